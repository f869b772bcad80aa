import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { changedFiles, describeGenerated, hashFiles } from "./generated-files.ts";

test("files that were made, changed or taken away are found, and others are not", async () => {
  const root = mkdtempSync(join(tmpdir(), "weft-gen-"));
  const write = (name: string, text: string) => writeFileSync(join(root, name), text);
  try {
    mkdirSync(join(root, "gen", "user"), { recursive: true });
    for (const name of ["gen/same.js", "gen/user/changed.js", "gen/gone.js", ".env", "other"])
      write(name, "1");
    const look = () => hashFiles(root, ["gen", ".env", "missing"]);
    const before = await look();
    write("gen/user/changed.js", "2");
    write("gen/made.js", "1");
    write(".env", "2");
    write("other", "2");
    rmSync(join(root, "gen", "gone.js"));
    expect(changedFiles(before, await look())).toEqual([
      ".env",
      "gen/gone.js",
      "gen/made.js",
      "gen/user/changed.js",
    ]);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test("what was generated is one line, however much it was", () => {
  expect(describeGenerated(26, [])).toBe("26 contracts: everything generated is current");
  expect(describeGenerated(1, ["gen/a.js"])).toBe("1 contract: wrote gen/a.js");
  const many = Array.from({ length: 9 }, (_, at) => `gen/${at}.js`);
  expect(describeGenerated(26, many)).toMatch(/wrote gen\/0\.js, .*gen\/5\.js and 3 more$/);
});
