import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { completeLinks } from "./binaries.ts";

test("missing links between libraries are made, and making them again changes nothing", () => {
  const root = mkdtempSync(join(tmpdir(), "weft links "));
  mkdirSync(join(root, "native", "lib"), { recursive: true });
  writeFileSync(join(root, "native", "lib", "libpq.so.5.18"), "code");
  const links = [{ source: "native/lib/libpq.so.5.18", target: "native/lib/libpq.so.5" }];
  writeFileSync(join(root, "native", "pg-symlinks.json"), JSON.stringify(links));
  completeLinks(root);
  completeLinks(root);
  expect(readFileSync(join(root, "native", "lib", "libpq.so.5"), "utf8")).toBe("code");
  rmSync(root, { recursive: true });
});
