import type { KV } from "@nats-io/kv";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { newId } from "../id.ts";
import { createLogger } from "../log/logger.ts";
import type { Nats } from "../nats/nats.ts";
import { connectNats } from "../nats/nats.ts";
import { collectLogs } from "../testing/logs.ts";
import type { NatsServer } from "../testing/nats-server.ts";
import { startNatsServer } from "../testing/nats-server.ts";
import { openStandingBucket, sessionKey, standingTtlMs, userKey, watchStanding } from "./standing.ts";

/** "Within a second" is the promise; a loaded machine is given more. */
const soon = { timeout: 5000, interval: 10 };
const logs = collectLogs();
const log = createLogger({ service: "test", level: "info", contracts: [], destination: logs });
const user = (id: string) => ({
  id,
  email: "u@example.com",
  sessionId: "s",
  roles: ["Customer"],
  permissions: ["a:b"],
});

let server: NatsServer;
let nats: Nats;
let bucket: KV;
const connect = () => connectNats({ url: server.url, name: "test", log, waitMs: 10_000 });
beforeEach(async () => {
  server = await startNatsServer();
  nats = await connect();
  bucket = await openStandingBucket(nats);
});
afterEach(async () => {
  await nats.close();
  await server.stop();
});

describe("what the issuer puts into the bucket", () => {
  test("is seen by every watcher", async () => {
    const other = await connect();
    try {
      const watchers = [await watchStanding(nats, log), await watchStanding(other, log)];
      const session = newId();
      for (const it of watchers) expect(it.isRevoked(session)).toBe(false);
      await bucket.put(sessionKey(session), "");
      for (const it of watchers) await vi.waitFor(() => expect(it.isRevoked(session)).toBe(true), soon);
    } finally {
      await other.close();
    }
  });

  test("before a watcher starts is known when it has started", async () => {
    const sessions = Array.from({ length: 50 }, () => newId());
    for (const session of sessions) await bucket.put(sessionKey(session), "");
    const standing = await watchStanding(nats, log);
    expect(sessions.filter((it) => !standing.isRevoked(it))).toEqual([]);
  });

  test("about a user's roles replaces those of the token, until it is taken back", async () => {
    const standing = await watchStanding(nats, log);
    const [changed, other] = [user(newId()), user(newId())];
    await bucket.put(userKey(changed.id), JSON.stringify({ roles: ["Viewer"], permissions: [] }));
    await vi.waitFor(() => expect(standing.current(changed).roles).toEqual(["Viewer"]), soon);
    expect(standing.current(changed)).toEqual({ ...changed, roles: ["Viewer"], permissions: [] });
    expect(standing.current(other)).toBe(other);
    await bucket.delete(userKey(changed.id));
    await vi.waitFor(() => expect(standing.current(changed)).toBe(changed), soon);
  });

  test("about a session is never taken back", async () => {
    const standing = await watchStanding(nats, log);
    const session = newId();
    await bucket.put(sessionKey(session), "");
    await vi.waitFor(() => expect(standing.isRevoked(session)).toBe(true), soon);
    await bucket.delete(sessionKey(session));
    await bucket.put(sessionKey("marker"), "");
    await vi.waitFor(() => expect(standing.isRevoked("marker")).toBe(true), soon);
    expect(standing.isRevoked(session)).toBe(true);
  });

  test("and cannot be read hides nothing that comes after it", async () => {
    const standing = await watchStanding(nats, log);
    const session = newId();
    await bucket.put(userKey("broken"), "{not json");
    await bucket.put(sessionKey(session), "");
    await vi.waitFor(() => expect(standing.isRevoked(session)).toBe(true), soon);
    expect(logs.text).toContain("cannot be read");
  });
});

test("an entry says nothing any more once every token it is about has expired", async () => {
  let aheadMs = 0;
  const standing = await watchStanding(nats, log, () => Date.now() + aheadMs);
  const session = newId();
  await bucket.put(userKey("u"), JSON.stringify({ roles: [], permissions: [] }));
  await bucket.put(sessionKey(session), "");
  await vi.waitFor(() => expect(standing.isRevoked(session)).toBe(true), soon);
  expect(standing.current(user("u")).roles).toEqual([]);
  aheadMs = standingTtlMs + 60_000;
  expect(standing.isRevoked(session)).toBe(false);
  expect(standing.current(user("u")).roles).toEqual(["Customer"]);
});

test("an empty bucket holds nobody up", async () => {
  const standing = await watchStanding(nats, log);
  expect(standing.isRevoked("s")).toBe(false);
});

describe("when the broker goes away", () => {
  test("what is known stays in force, and what is put afterwards is seen once it is back", async () => {
    const standing = await watchStanding(nats, log);
    const [before, after] = [newId(), newId()];
    await bucket.put(sessionKey(before), "");
    await vi.waitFor(() => expect(standing.isRevoked(before)).toBe(true), soon);
    await server.crash();
    await vi.waitFor(() => expect(nats.connected()).toBe(false), soon);
    expect(standing.isRevoked(before)).toBe(true);
    await server.restart();
    await vi.waitFor(() => expect(nats.connected()).toBe(true), soon);
    await vi.waitFor(() => bucket.put(sessionKey(after), ""), { timeout: 15_000, interval: 100 });
    await vi.waitFor(() => expect(standing.isRevoked(after)).toBe(true), { timeout: 15_000, interval: 50 });
    expect(standing.isRevoked(before)).toBe(true);
    expect(nats.connected()).toBe(true);
  });

  test("and comes back with nothing, the bucket is made and watched again", async () => {
    const standing = await watchStanding(nats, log);
    const [before, after] = [newId(), newId()];
    await bucket.put(sessionKey(before), "");
    await vi.waitFor(() => expect(standing.isRevoked(before)).toBe(true), soon);
    await server.crash();
    await vi.waitFor(() => expect(nats.connected()).toBe(false), soon);
    await server.restart({ empty: true });
    await vi.waitFor(() => expect(nats.connected()).toBe(true), soon);
    await vi.waitFor(
      async () => {
        const again = await openStandingBucket(nats);
        await again.put(sessionKey(after), "");
        expect(standing.isRevoked(after)).toBe(true);
      },
      { timeout: 18_000, interval: 250 },
    );
    expect(standing.isRevoked(before)).toBe(true);
  });

  test("closing does not wait for it to come back", async () => {
    await watchStanding(nats, log);
    await server.crash();
    await vi.waitFor(() => expect(nats.connected()).toBe(false), soon);
    await nats.close();
    expect(nats.connection.isClosed()).toBe(true);
  });
});
