import type { KV } from "@nats-io/kv";
import type { CryptoKey } from "jose";
import { generateKeyPair, SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fail } from "../errors.ts";
import { newId } from "../id.ts";
import { createLogger } from "../log/logger.ts";
import type { Nats } from "../nats/nats.ts";
import { connectNats } from "../nats/nats.ts";
import { collectLogs } from "../testing/logs.ts";
import type { NatsServer } from "../testing/nats-server.ts";
import { startNatsServer } from "../testing/nats-server.ts";
import type { KeySource } from "./keys.ts";
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

const pair = await generateKeyPair("EdDSA");
const strangers = await generateKeyPair("EdDSA");
let known: "yes" | "not yet" | "issuer away";
const keys: KeySource = async (kid) => {
  if (known === "issuer away") throw fail.unavailable("issuer_unavailable", "away");
  if (known === "not yet" || kid !== "k") throw fail.unauthenticated("bad_token", "unknown key");
  return pair.publicKey;
};

interface Forgery {
  key?: CryptoKey;
  typ?: string;
  issuer?: string;
  about?: string;
  sinceS?: number;
}
/** As the issuer signs it, but for what is given. */
const signed = (at: string, claims: object = {}, forgery: Forgery = {}) => {
  const since = forgery.sinceS ?? Date.now() / 1000;
  return new SignJWT({ ...claims, sub: forgery.about ?? at })
    .setProtectedHeader({ alg: "EdDSA", typ: forgery.typ ?? "weft-standing+jwt", kid: "k" })
    .setIssuer(forgery.issuer ?? "weft-security")
    .setIssuedAt(since)
    .setExpirationTime(since + standingTtlMs / 1000)
    .sign(forgery.key ?? pair.privateKey);
};
const put = async (key: string, claims: object = {}, to = bucket) => to.put(key, await signed(key, claims));
const admin = { roles: ["Admin"], permissions: ["*:*"] };

let server: NatsServer;
let nats: Nats;
let bucket: KV;
const connect = () => connectNats({ url: server.url, name: "test", log, waitMs: 10_000 });
beforeEach(async () => {
  known = "yes";
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
      const watchers = [await watchStanding(nats, log, keys), await watchStanding(other, log, keys)];
      const session = newId();
      for (const it of watchers) expect(it.isRevoked(session)).toBe(false);
      await put(sessionKey(session));
      for (const it of watchers) await vi.waitFor(() => expect(it.isRevoked(session)).toBe(true), soon);
    } finally {
      await other.close();
    }
  });

  test("before a watcher starts is known when it has started", async () => {
    const sessions = Array.from({ length: 50 }, () => newId());
    for (const session of sessions) await put(sessionKey(session));
    const standing = await watchStanding(nats, log, keys);
    expect(sessions.filter((it) => !standing.isRevoked(it))).toEqual([]);
  });

  test("about a user's roles replaces those of the token, also when somebody deletes it", async () => {
    const standing = await watchStanding(nats, log, keys);
    const [changed, other] = [user(newId()), user(newId())];
    await put(userKey(changed.id), { roles: ["Viewer"], permissions: [] });
    await vi.waitFor(() => expect(standing.current(changed).roles).toEqual(["Viewer"]), soon);
    expect(standing.current(changed)).toEqual({ ...changed, roles: ["Viewer"], permissions: [] });
    expect(standing.current(other)).toBe(other);
    await bucket.delete(userKey(changed.id));
    await put(sessionKey("marker"));
    await vi.waitFor(() => expect(standing.isRevoked("marker")).toBe(true), soon);
    expect(standing.current(changed).roles).toEqual(["Viewer"]);
  });

  test("says nothing about the roles of a token that knows of a later change", async () => {
    const standing = await watchStanding(nats, log, keys);
    const holder = user(newId());
    const since = Date.now();
    const entry = await signed(
      userKey(holder.id),
      { roles: ["Viewer"], permissions: [] },
      { sinceS: since / 1000 },
    );
    await bucket.put(userKey(holder.id), entry);
    await vi.waitFor(() => expect(standing.current(holder, since - 1).roles).toEqual(["Viewer"]), soon);
    expect(standing.current(holder, since)).toBe(holder);
    expect(standing.current(holder, since + 1)).toBe(holder);
  });

  test("about a session is never taken back", async () => {
    const standing = await watchStanding(nats, log, keys);
    const session = newId();
    await put(sessionKey(session));
    await vi.waitFor(() => expect(standing.isRevoked(session)).toBe(true), soon);
    await bucket.delete(sessionKey(session));
    await bucket.purge(sessionKey(session));
    await put(sessionKey("marker"));
    await vi.waitFor(() => expect(standing.isRevoked("marker")).toBe(true), soon);
    expect(standing.isRevoked(session)).toBe(true);
  });

  test("and cannot be read hides nothing that comes after it", async () => {
    const standing = await watchStanding(nats, log, keys);
    const session = newId();
    await bucket.put(userKey("broken"), "{not json");
    await put(sessionKey(session));
    await vi.waitFor(() => expect(standing.isRevoked(session)).toBe(true), soon);
    expect(logs.text).toContain("is not from the issuer");
  });
});

describe("what is not from the issuer is ignored:", () => {
  const id = newId();
  const key = userKey(id);
  test.each<[string, () => Promise<string> | string]>([
    ["roles that nobody signed", () => JSON.stringify(admin)],
    ["a malformed entry", () => '{"roles":5}'],
    ["one signed with another key", () => signed(key, admin, { key: strangers.privateKey })],
    ["one about another user", () => signed(key, admin, { about: userKey(newId()) })],
    ["a token of another kind", () => signed(key, admin, { typ: "at+jwt" })],
    ["one of another issuer", () => signed(key, admin, { issuer: "me" })],
    ["one with roles that are not a list", () => signed(key, { roles: 5, permissions: [] })],
    ["one without permissions", () => signed(key, { roles: ["Admin"] })],
    ["one that has expired", () => signed(key, admin, { sinceS: Date.now() / 1000 - 3600 })],
  ])("%s", async (_what, text) => {
    const standing = await watchStanding(nats, log, keys);
    await bucket.put(key, await text());
    await bucket.put(sessionKey("forged"), "");
    await put(sessionKey("marker"));
    await vi.waitFor(() => expect(standing.isRevoked("marker")).toBe(true), soon);
    expect(standing.current(user(id))).toEqual(user(id));
    expect(standing.isRevoked("forged")).toBe(false);
  });

  test("one that was true once, after what is true now", async () => {
    const standing = await watchStanding(nats, log, keys);
    const old = await signed(key, admin, { sinceS: Date.now() / 1000 - 1 });
    await put(key, { roles: ["Viewer"], permissions: [] });
    await vi.waitFor(() => expect(standing.current(user(id)).roles).toEqual(["Viewer"]), soon);
    await bucket.put(key, old);
    await put(sessionKey("marker"));
    await vi.waitFor(() => expect(standing.isRevoked("marker")).toBe(true), soon);
    expect(standing.current(user(id)).roles).toEqual(["Viewer"]);
  });
});

describe("what cannot be verified now", () => {
  test.each(["issuer away", "not yet"] as const)("is in force once it can (%s)", async (why) => {
    known = why;
    const [early, late] = [newId(), newId()];
    await put(sessionKey(early));
    const standing = await watchStanding(nats, log, keys);
    await put(sessionKey(late));
    expect(standing.isRevoked(early)).toBe(false);
    known = "yes";
    for (const it of [early, late]) await vi.waitFor(() => expect(standing.isRevoked(it)).toBe(true), soon);
  });
});

test("an entry says nothing any more once every token it is about has expired", async () => {
  let aheadMs = 0;
  const standing = await watchStanding(nats, log, keys, { now: () => Date.now() + aheadMs });
  const session = newId();
  await put(userKey("u"), { roles: [], permissions: [] });
  await put(sessionKey(session));
  await vi.waitFor(() => expect(standing.isRevoked(session)).toBe(true), soon);
  expect(standing.current(user("u")).roles).toEqual([]);
  aheadMs = standingTtlMs + 60_000;
  expect(standing.isRevoked(session)).toBe(false);
  expect(standing.current(user("u")).roles).toEqual(["Customer"]);
});

test("an empty bucket holds nobody up", async () => {
  const standing = await watchStanding(nats, log, keys);
  expect(standing.isRevoked("s")).toBe(false);
});

describe("when the broker goes away", () => {
  test("what is known stays in force, and what is put afterwards is seen once it is back", async () => {
    let aheadMs = 0;
    const standing = await watchStanding(nats, log, keys, { now: () => Date.now() + aheadMs });
    const [before, after] = [newId(), newId()];
    await put(sessionKey(before));
    await vi.waitFor(() => expect(standing.isRevoked(before)).toBe(true), soon);
    await server.crash();
    await vi.waitFor(() => expect(nats.connected()).toBe(false), soon);
    expect(standing.isRevoked(before)).toBe(true);
    expect(standing.check).not.toThrow();
    aheadMs = 11_000;
    expect(standing.check).toThrow(/not been heard of for 1\d s/);
    await server.restart();
    await vi.waitFor(() => expect(nats.connected()).toBe(true), soon);
    await vi.waitFor(() => put(sessionKey(after)), { timeout: 15_000, interval: 100 });
    await vi.waitFor(() => expect(standing.isRevoked(after)).toBe(true), { timeout: 15_000, interval: 50 });
    expect(standing.isRevoked(before)).toBe(true);
    expect(standing.check).not.toThrow();
    expect(nats.connected()).toBe(true);
  });

  test("and comes back with nothing, the bucket is made and watched again", async () => {
    const standing = await watchStanding(nats, log, keys);
    const [before, after] = [newId(), newId()];
    await put(sessionKey(before));
    await vi.waitFor(() => expect(standing.isRevoked(before)).toBe(true), soon);
    await server.crash();
    await vi.waitFor(() => expect(nats.connected()).toBe(false), soon);
    await server.restart({ empty: true });
    await vi.waitFor(() => expect(nats.connected()).toBe(true), soon);
    await vi.waitFor(
      async () => {
        const again = await openStandingBucket(nats);
        await put(sessionKey(after), {}, again);
        expect(standing.isRevoked(after)).toBe(true);
      },
      { timeout: 18_000, interval: 250 },
    );
    expect(standing.isRevoked(before)).toBe(true);
  });

  test("closing does not wait for it to come back", async () => {
    await watchStanding(nats, log, keys);
    await server.crash();
    await vi.waitFor(() => expect(nats.connected()).toBe(false), soon);
    await nats.close();
    expect(nats.connection.isClosed()).toBe(true);
  });
});
