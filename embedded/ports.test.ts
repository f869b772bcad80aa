import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import { connect, createServer } from "node:net";
import { expect, test } from "vitest";
import { choosePort, freePort, holdPort, isFree } from "./ports.ts";

async function listening(port = 0): Promise<[Server, number]> {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  return [server, (server.address() as AddressInfo).port];
}

test("a port somebody listens on is not free, and is again once they leave", async () => {
  const [server, port] = await listening();
  expect(await isFree(port)).toBe(false);
  server.close();
  await once(server, "close");
  expect(await isFree(port)).toBe(true);
});

test("a held port is not free, resets whoever connects, and is free once released", async () => {
  const port = await freePort();
  const release = await holdPort(port);
  expect(await isFree(port)).toBe(false);
  const [error] = await once(connect(port, "127.0.0.1").resume(), "error");
  expect(error).toMatchObject({ code: "ECONNRESET" });
  await release();
  expect(await isFree(port)).toBe(true);
});

test("the port used last is preferred over the usual one", async () => {
  const last = await freePort();
  expect(await choosePort([last, 1])).toBe(last);
});

test("when the wanted port is taken a free one is found", async () => {
  const [server, port] = await listening();
  const found = await choosePort([port]);
  expect(found).not.toBe(port);
  expect(await isFree(found)).toBe(true);
  server.close();
});
