import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { canReach } from "./run-as.ts";

test("an account reaches what every folder on the way lets it into", () => {
  const root = mkdtempSync(join(tmpdir(), "weft-reach-"));
  const file = join(root, "a", "file");
  mkdirSync(join(root, "a"), { mode: 0o755 });
  writeFileSync(file, "", { mode: 0o644 });
  const stranger = { uid: 64_001, gid: 64_001 };
  const owner = { uid: process.getuid!(), gid: process.getgid!() };
  chmodSync(root, 0o700);
  expect([canReach(stranger, file), canReach(owner, file)]).toEqual([false, true]);
  chmodSync(root, 0o711);
  expect(canReach(stranger, file)).toBe(true);
  chmodSync(file, 0o600);
  expect(canReach(stranger, file)).toBe(false);
  rmSync(root, { recursive: true });
});
