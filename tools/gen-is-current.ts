/** Fails when `gen/` is not what the contracts generate, and says which files differ. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { buf, root } from "./buf.ts";

await import("./protos.ts");

const fresh = mkdtempSync(join(tmpdir(), "weft-gen-"));
try {
  buf(["generate", "--output", fresh]);
  const [wanted, present] = [contents(join(fresh, "gen")), contents(join(root, "gen"))];
  const differing = [...new Set([...wanted.keys(), ...present.keys()])].filter(
    (name) => wanted.get(name) !== present.get(name),
  );
  for (const name of differing.sort()) console.error(`gen/${name} is not current`);
  if (differing.length > 0) {
    console.error("run `npm run generate` and commit the result");
    process.exitCode = 1;
  }
} finally {
  rmSync(fresh, { recursive: true });
}

function contents(folder: string): Map<string, string> {
  const files = readdirSync(folder, { withFileTypes: true, recursive: true }).filter((it) => it.isFile());
  return new Map(
    files.map((file) => {
      const path = join(file.parentPath, file.name);
      return [relative(folder, path), readFileSync(path, "utf8")];
    }),
  );
}
