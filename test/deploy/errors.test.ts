import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const page = readFileSync(join(root, "docs", "errors.md"), "utf8");

function* sources(folder: string): Generator<string> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && path.endsWith(".ts") && !path.endsWith(".test.ts") && !path.includes("/testing/")) {
      yield readFileSync(path, "utf8");
    }
  }
}

/** Reasons as the code writes them, where it writes them out. */
const reasons = (folders: readonly string[]) =>
  new Set(
    folders
      .flatMap((folder) => [...sources(folder)])
      // What `weft new service` writes is not ours to list.
      .map((source) => source.replace(/`(?:\\.|[^`\\])*`/gs, "``"))
      .flatMap((source) => [...source.matchAll(/(?:\bfail\.\w+|new EmbeddedError)\(\s*"([a-z_]+)"/g)])
      .map(([, reason = ""]) => reason),
  );

/** Not those that somebody has added to a checkout. */
const ours = [
  "security",
  "user",
  "queue",
  "product",
  "order",
  "payment",
  "notification",
  "analytics",
  "broadcast",
];

test("docs/errors.md has every reason that an error can have", () => {
  const known = reasons(["mesh", "embedded", "cli", "gateway", ...ours.map((name) => `services/${name}`)]);
  // Only hosts of tests give this one.
  known.delete("not_hosted");
  expect(known.size).toBeGreaterThan(80);
  expect([...known].filter((reason) => !page.includes(`\`${reason}\``))).toEqual([]);
});
