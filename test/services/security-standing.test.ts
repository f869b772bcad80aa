import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo, Socket } from "node:net";
import { connect as connectSocket, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startNats } from "#embedded";
import { PermissionService } from "#gen/security/v1/permissions_pb.js";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import type { Nats, Standing } from "#mesh";
import { connectNats, newId, openStandingBucket, sessionKey, userKey, watchStanding } from "#mesh";
import { openDatabase } from "#mesh/db/database.ts";
import { createKeySource } from "#mesh/identity/keys.ts";
import { createVerifier } from "#mesh/identity/verifier.ts";
import { testStores } from "#mesh/testing/stores.ts";
import {
  announce,
  markAnnounced,
  pendingAnnouncements,
} from "../../services/security/announcements-store.ts";
import type { SecurityHost } from "./security-host.ts";
import { asOperator, eventually, quiet, securityHost } from "./security-host.ts";

/** What one test has opened. */
type Opened = AsyncDisposableStack;

const startSecurity = async (opened: Opened, env: Record<string, string> = {}): Promise<SecurityHost> =>
  opened.use(await securityHost({ env }));
const connect = async (
  opened: Opened,
  { host: { namespace } }: SecurityHost,
  url = testStores().natsUrl,
): Promise<Nats> => {
  const nats = await connectNats({ url, name: "watcher", log: quiet, waitMs: 10_000, namespace });
  return opened.adopt(nats, () => nats.close());
};
/** As every process of the mesh watches. */
const watcher = async (opened: Opened, it: SecurityHost, url?: string): Promise<Standing> =>
  watchStanding(await connect(opened, it, url), quiet, keysOf(it));
const keysOf = (it: SecurityHost) =>
  createKeySource({ fetch: async () => (await it.client(TokenService).getKeySet({})).keys });

const open = async (it: SecurityHost, userId = newId()) => {
  const { tokens, roles, permissions } = await it.tokens.openSession({ userId, email: "ada@example.com" });
  const sessionId = tokens?.sessionId ?? "";
  const token = tokens?.accessToken ?? "";
  return {
    userId,
    sessionId,
    token,
    user: { id: userId, email: "ada@example.com", sessionId, roles, permissions },
  };
};
const close = (it: SecurityHost, sessionId: string) =>
  it.tokens.closeSession({ session: { case: "sessionId", value: sessionId } });
const setRoles = (it: SecurityHost, userId: string, ...roles: string[]) =>
  it.client(PermissionService, asOperator).setUserRoles({ userId, roles });

/**
 * A broker that can be taken away, and can lose what it held. Its address is
 * that of a door in front of it, which stays ours while the broker is away.
 */
async function ownNats(opened: Opened) {
  const dataDir = await mkdtemp(join(tmpdir(), "weft-nats-"));
  const start = () => startNats({ dataDir, logDir: dataDir });
  let server = await start();
  let away = false;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    // A connection that breaks is what these tests are about.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  };
  const door = createServer((outside) => {
    keep(outside);
    if (away) {
      outside.destroy();
      return;
    }
    const inside = connectSocket(server.status().port, "127.0.0.1");
    keep(inside);
    outside.pipe(inside).pipe(outside);
    outside.on("close", () => inside.destroy());
    inside.on("close", () => outside.destroy());
  });
  await new Promise<void>((resolve) => door.listen(0, "127.0.0.1", resolve));
  const url = new URL(server.url);
  url.port = String((door.address() as AddressInfo).port);
  const stop = async () => {
    away = true;
    for (const socket of sockets) socket.destroy();
    await server.stop();
  };
  opened.defer(async () => {
    await stop();
    await new Promise((resolve) => door.close(resolve));
    await rm(dataDir, { recursive: true, force: true });
  });
  return {
    url: url.href,
    stop,
    forget: () => rm(join(dataDir, "nats"), { recursive: true, force: true }),
    start: async () => {
      server = await start();
      away = false;
    },
  };
}

describe.concurrent("every process hears", () => {
  let it: SecurityHost;
  beforeAll(async () => {
    it = await securityHost();
  });
  afterAll(() => it?.[Symbol.asyncDispose]());

  test("of a session that is closed, and of no other", async () => {
    await using opened = new AsyncDisposableStack();
    const standing = await watcher(opened, it);
    const [one, other] = [await open(it), await open(it)];
    await close(it, one.sessionId.toUpperCase());
    await eventually(() => standing.isRevoked(one.sessionId));
    expect(standing.isRevoked(other.sessionId)).toBe(false);
  });

  test("of all sessions of a user that are closed, and of one that is ended for reuse", async () => {
    await using opened = new AsyncDisposableStack();
    const standing = await watcher(opened, it);
    const userId = newId();
    const sessions = [await open(it, userId), await open(it, userId)];
    await it.tokens.closeUserSessions({ userId });
    for (const { sessionId } of sessions) await eventually(() => standing.isRevoked(sessionId));

    const { tokens } = await it.tokens.openSession({ userId, email: "ada@example.com" });
    const refreshToken = tokens?.refreshToken ?? "";
    await it.tokens.refreshSession({ refreshToken });
    await it.tokens.refreshSession({ refreshToken }).catch(() => {});
    await eventually(() => standing.isRevoked(tokens?.sessionId ?? ""));
  });

  test("of changed roles, which then hold for running tokens", async () => {
    await using opened = new AsyncDisposableStack();
    const standing = await watcher(opened, it);
    const { userId, user } = await open(it);
    await setRoles(it, userId, "Viewer");
    await eventually(() => standing.current(user).roles.includes("Viewer"));
    const { permissions } = await setRoles(it, userId, "Editor");
    await eventually(() => standing.current(user).roles.includes("Editor"));
    expect(standing.current(user)).toEqual({ ...user, roles: ["Editor"], permissions });
  });

  test("that a user who is forgotten may do nothing any more", async () => {
    await using opened = new AsyncDisposableStack();
    const standing = await watcher(opened, it);
    const { userId, user, sessionId } = await open(it);
    await it.permissions.forgetUser({ userId });
    await eventually(() => standing.isRevoked(sessionId));
    await eventually(() => standing.current(user).permissions.length === 0);
    // Nor by a token that was made while that was under way.
    const { token } = await open(it, userId);
    const verifier = createVerifier({ service: "order", keys: keysOf(it), standing });
    expect((await verifier.verify(token)).user?.permissions).toEqual([]);
  });

  test("nothing that somebody else wrote, and a later change however the clocks are", async () => {
    await using opened = new AsyncDisposableStack();
    const standing = await watcher(opened, it);
    const { userId, user } = await open(it);
    const bucket = await openStandingBucket(await connect(opened, it));
    const forged = JSON.stringify({ roles: ["Admin"], permissions: ["*:*"] });
    await bucket.put(userKey(userId), forged);
    await setRoles(it, userId, "Viewer");
    await eventually(() => standing.current(user).roles.includes("Viewer"));
    await bucket.put(userKey(userId), forged);
    // Another instance, whose clock is ahead, was the last to write.
    await it.sql`update announcements set changed_at = changed_at + interval '5 s' where key = ${userKey(userId)}`;
    await it.sql`update announcements set announced_version = 0 where key = ${userKey(userId)}`;
    await eventually(async () => (await bucket.get(userKey(userId)))?.string() !== forged);
    await setRoles(it, userId, "Editor");
    await eventually(() => standing.current(user).roles.includes("Editor"));
  });

  test("what an instance that died left untold", async () => {
    await using opened = new AsyncDisposableStack();
    const standing = await watcher(opened, it);
    const sessionId = newId();
    await it.sql`
      insert into announcements (key, value, version, changed_at, expires_at)
      values (${sessionKey(sessionId)}, '{}', nextval('announcement_versions'), now(), now() + interval '1 minute')`;
    await eventually(() => standing.isRevoked(sessionId));
  });
});

describe.concurrent("while the broker is away", () => {
  test("a new token gives the roles as they are, whatever was told before", async () => {
    await using opened = new AsyncDisposableStack();
    const nats = await ownNats(opened);
    const it = await startSecurity(opened, { NATS_URL: nats.url });
    const standing = await watcher(opened, it, nats.url);
    const verifier = createVerifier({ service: "order", keys: keysOf(it), standing });
    const rolesOf = async (token: string) => (await verifier.verify(token)).user?.roles;
    const userId = newId();
    await setRoles(it, userId, "Customer");
    const { token: before, user } = await open(it, userId);
    await setRoles(it, userId, "Seller");
    await eventually(() => standing.current(user).roles.includes("Seller"));
    await nats.stop();
    await setRoles(it, userId, "Manager");
    const { token: after } = await open(it, userId);
    expect(await rolesOf(after)).toEqual(["Manager"]);
    expect(await rolesOf(before)).toEqual(["Seller"]);
    await nats.start();
    await eventually(async () => (await rolesOf(before))?.[0] === "Manager");
    await setRoles(it, userId, "Viewer");
    for (const token of [before, after])
      await eventually(async () => (await rolesOf(token))?.[0] === "Viewer");
  });

  test("sessions end and roles change all the same, and it is told when it is back", async () => {
    await using opened = new AsyncDisposableStack();
    const nats = await ownNats(opened);
    const it = await startSecurity(opened, { NATS_URL: nats.url });
    const { sessionId, userId, user } = await open(it);
    await nats.stop();
    await close(it, sessionId);
    await setRoles(it, userId, "Manager");
    await nats.start();
    const standing = await watcher(opened, it, nats.url);
    await eventually(() => standing.isRevoked(sessionId));
    await eventually(() => standing.current(user).roles.includes("Manager"));
  });

  test("it may forget everything: what still matters is told again", async () => {
    await using opened = new AsyncDisposableStack();
    const nats = await ownNats(opened);
    const it = await startSecurity(opened, { NATS_URL: nats.url });
    const { sessionId, userId } = await open(it);
    await close(it, sessionId);
    await setRoles(it, userId, "Manager");
    const before = await watcher(opened, it, nats.url);
    await eventually(() => before.isRevoked(sessionId));
    await nats.stop();
    await nats.forget();
    await nats.start();
    const after = await watcher(opened, it, nats.url);
    await eventually(() => after.isRevoked(sessionId));
    await eventually(async () => {
      const bucket = await openStandingBucket(await connect(opened, it, nats.url));
      const entry = await bucket.get(userKey(userId));
      return entry && String(decodeJwt(entry.string()).roles) === "Manager";
    });
  });

  test("a record that was anchored there is anchored again", async () => {
    await using opened = new AsyncDisposableStack();
    const nats = await ownNats(opened);
    const it = await startSecurity(opened, { NATS_URL: nats.url });
    await setRoles(it, newId(), "Viewer");
    const verify = () => it.audit.verifyAudit({});
    await eventually(async () => (await verify()).reason === "");
    await nats.stop();
    await eventually(async () => /cannot be read now/.test((await verify()).reason));
    expect((await verify()).intact).toBe(true);
    await nats.forget();
    await nats.start();
    await eventually(async () => (await verify()).reason === "");
  });
});

test.concurrent("a change that comes while an older one is being told is told after it, whoever is faster", async () => {
  await using opened = new AsyncDisposableStack();
  const nats = await ownNats(opened);
  const it = await startSecurity(opened, { NATS_URL: nats.url });
  // Without a broker the service itself tells nothing.
  await nats.stop();
  const db = openDatabase({
    url: it.host.databaseUrl("security"),
    applicationName: "test",
    maxConnections: 1,
  });
  opened.defer(() => db.close());
  const change = (role: string) => announce(db.sql, [{ key: "user.1", value: { role } }], Date.now());
  const pending = () => pendingAnnouncements(db.sql, 10, new Date());

  await change("old");
  const old = await pending();
  await change("new");
  const fresh = await pending();
  expect(fresh).toMatchObject([{ value: { role: "new" } }]);
  await markAnnounced(db.sql, fresh);
  expect(await pending()).toEqual([]);
  // The slower teller may have put the old one over the new one.
  await markAnnounced(db.sql, old);
  expect(await pending()).toMatchObject([{ value: { role: "new" } }]);
});
