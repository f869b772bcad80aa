import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { testStores } from "#mesh/testing/stores.ts";
import { answers } from "./reachable.ts";

const portOf = (url: string) => Number(new URL(url).port);

test("PostgreSQL and NATS that run answer", async () => {
  const { natsUrl, postgresUrl } = testStores();
  expect(await answers("nats", portOf(natsUrl))).toBe(true);
  expect(await answers("postgres", portOf(postgresUrl))).toBe(true);
});

test("one that takes connections and says nothing, as a frozen one does, does not answer", async () => {
  const silent = createServer((socket) => void socket.resume());
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  expect(await answers("nats", port, 50)).toBe(false);
  expect(await answers("postgres", port, 50)).toBe(false);
  silent.close();
  await once(silent, "close");
  expect(await answers("nats", port)).toBe(false);
});
