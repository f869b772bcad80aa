import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";

/** Each file below some folders of a checkout, or one of its files, with a hash of what is in it. */
export async function hashFiles(root: string, paths: readonly string[]): Promise<Map<string, string>> {
  const lists = await Promise.all(paths.map((path) => filesIn(join(root, path))));
  const hashes = lists.flat().map(async (file): Promise<[string, string]> => {
    const hash = createHash("sha256").update(await readFile(file));
    return [relative(root, file), hash.digest("hex")];
  });
  return new Map(await Promise.all(hashes));
}

async function filesIn(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true, recursive: true });
    return entries.filter((it) => it.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return [];
    if (code === "ENOTDIR") return [path];
    throw error;
  }
}

/** Those that were made, changed or taken away. */
export function changedFiles(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>) {
  const all = new Set([...before.keys(), ...after.keys()]);
  return [...all].filter((file) => before.get(file) !== after.get(file)).sort();
}

/** More than these are not named. */
const mostNamed = 6;

/** What was generated, on one line. */
export function describeGenerated(contracts: number, changed: readonly string[]): string {
  const from = `${contracts} ${contracts === 1 ? "contract" : "contracts"}`;
  if (changed.length === 0) return `${from}: everything generated is current`;
  const rest = changed.length - mostNamed;
  const named = changed.slice(0, mostNamed).join(", ");
  return `${from}: wrote ${named}${rest > 0 ? ` and ${rest} more` : ""}`;
}
