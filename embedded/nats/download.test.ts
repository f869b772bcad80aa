import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { sha256Of } from "./checked.ts";
import { downloadNats } from "./download.ts";
import type { Archive } from "./release.ts";

const root = mkdtempSync(join(tmpdir(), "weft download "));
const server = createServer((request, response) => {
  if (request.url !== "/fake.tar.gz") response.writeHead(404).end();
  else response.end(readFileSync(join(root, "fake.tar.gz")));
});
let archive: Archive;
let cacheDir: string;

beforeAll(async () => {
  mkdirSync(join(root, "fake"));
  writeFileSync(join(root, "fake", "nats-server"), "#!/bin/sh\n", { mode: 0o755 });
  execFileSync("tar", ["-czf", "fake.tar.gz", "fake"], { cwd: root });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const sha256 = await sha256Of(join(root, "fake.tar.gz"));
  archive = { name: "fake", url: `http://127.0.0.1:${port}/fake.tar.gz`, sha256 };
});
beforeEach(() => {
  cacheDir = mkdtempSync(join(root, "cache "));
});
afterAll(() => {
  server.close();
  rmSync(root, { recursive: true });
});

test("the archive is fetched with progress, checked, unpacked, and not fetched again", async () => {
  const progress: number[] = [];
  const binary = await downloadNats(archive, cacheDir, (received) => progress.push(received));
  expect(readFileSync(binary, "utf8")).toBe("#!/bin/sh\n");
  expect(progress.length).toBeGreaterThan(0);
  const elsewhere = { ...archive, url: "http://127.0.0.1:1/" };
  expect(await downloadNats(elsewhere, cacheDir, () => {})).toBe(binary);
  expect(readdirSync(cacheDir)).toEqual(["fake"]);
});

test("two downloads at once both end with the binary", async () => {
  const [first, second] = await Promise.all([1, 2].map(() => downloadNats(archive, cacheDir, () => {})));
  expect(first).toBe(second);
  expect(readdirSync(cacheDir)).toEqual(["fake"]);
});

test("an archive of another checksum is refused and leaves nothing", async () => {
  const wrong = { ...archive, sha256: "0".repeat(64) };
  await expect(downloadNats(wrong, cacheDir, () => {})).rejects.toMatchObject({ code: "binary_corrupt" });
  expect(readdirSync(cacheDir)).toEqual([]);
});

test("no network is told with what to do instead", async () => {
  const gone = { ...archive, url: "http://127.0.0.1:1/" };
  await expect(downloadNats(gone, cacheDir, () => {})).rejects.toThrow(/cannot fetch.*or set NATS_URL$/);
});
