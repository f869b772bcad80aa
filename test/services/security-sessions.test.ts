import { decodeJwt, decodeProtectedHeader } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { PermissionService } from "#gen/security/v1/permissions_pb.js";
import { Severity, ThreatKind, ThreatService } from "#gen/security/v1/threats_pb.js";
import type { Tokens } from "#gen/security/v1/tokens_pb.js";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import { newId, standingTtlMs } from "#mesh";
import { openDatabase } from "#mesh/db/database.ts";
import { purgeExpired } from "../../services/security/purge.ts";
import { assertionOf } from "./security-assertions.ts";
import type { SecurityHost } from "./security-host.ts";
import { asOperator, asService, asUser, refusalOf, securityHost } from "./security-host.ts";

let it: SecurityHost;
beforeAll(async () => {
  it = await securityHost();
});
afterAll(async () => {
  await it[Symbol.asyncDispose]();
});
afterEach(() => {
  vi.useRealTimers();
});

const email = "ada@example.com";
const client = { address: "192.0.2.7", userAgent: "test" };
const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

const open = async (userId = newId()) => {
  const { tokens } = await it.tokens.openSession({ userId, email, client });
  if (!tokens) throw new Error("no tokens");
  return { userId, ...tokens };
};
const refresh = async (refreshToken: string): Promise<Tokens> => {
  const { tokens } = await it.tokens.refreshSession({ refreshToken, client });
  if (!tokens) throw new Error("no tokens");
  return tokens;
};
const validate = (token: string) => it.tokens.validateToken({ token });
const later = (ms: number) => vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });

describe("a session that is opened", () => {
  test("gives an access token for the platform that says who, in which session, with which roles", async () => {
    const userId = newId();
    const { tokens, roles, permissions } = await it.tokens.openSession({ userId, email, client });
    const token = tokens?.accessToken ?? "";
    expect(decodeProtectedHeader(token)).toMatchObject({
      alg: "EdDSA",
      typ: "at+jwt",
      kid: expect.any(String),
    });
    const claims = decodeJwt(token);
    expect(claims).toMatchObject({
      iss: "weft-security",
      aud: "weft",
      sub: userId,
      sid: tokens?.sessionId,
      email,
      roles: ["Customer"],
      permissions,
      jti: expect.any(String),
    });
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(600);
    expect(roles).toEqual(["Customer"]);
    expect(tokens?.refreshToken).toMatch(/^wr_[\w-]{43}$/);
  });

  test("keeps no refresh token in the clear", async () => {
    const { refreshToken } = await open();
    const rows = await it.sql`select encode(hash, 'base64') as hash from refresh_tokens`;
    expect(JSON.stringify(rows)).not.toContain(refreshToken.slice(3));
  });

  test("is for the user service alone to open", async () => {
    const request = { userId: newId(), email, client };
    for (const caller of [asService("order"), asOperator, asUser(newId(), ["*:*"]), {}]) {
      await expect(it.client(TokenService, caller).openSession(request)).rejects.toThrow();
    }
  });
});

describe("a refresh", () => {
  test("trades a refresh token for new tokens of the same session", async () => {
    const first = await open();
    const second = await refresh(first.refreshToken);
    expect(second.refreshToken).not.toBe(first.refreshToken);
    expect(second.sessionId).toBe(first.sessionId);
    expect((await validate(second.accessToken)).valid).toBe(true);
    await refresh(second.refreshToken);
  });

  test("carries the roles of today", async () => {
    const { userId, refreshToken } = await open();
    await it.client(PermissionService, asOperator).setUserRoles({ userId, roles: ["Editor"] });
    const { accessToken } = await refresh(refreshToken);
    expect(decodeJwt(accessToken)).toMatchObject({
      roles: ["Editor"],
      permissions: expect.arrayContaining(["content:publish"]),
    });
  });

  test.each([
    ["nothing like a token", "hello"],
    ["one that was never given out", `wr_${"A".repeat(43)}`],
  ])("is refused with %s", async (_what, token) => {
    expect(await refusalOf(refresh(token))).toBe("bad_refresh_token");
  });

  test("is refused after thirty idle days, but not before", async () => {
    const [early, late] = [await open(), await open()];
    later(30 * dayMs - minuteMs);
    const { refreshExpiresAt } = await refresh(early.refreshToken);
    later(2 * minuteMs);
    expect(await refusalOf(refresh(late.refreshToken))).toBe("bad_refresh_token");
    expect(Number(refreshExpiresAt?.seconds) * 1000).toBeGreaterThan(Date.now() + 29 * dayMs);
  });

  test("is refused ninety days after the session was opened, however often it was refreshed", async () => {
    let { refreshToken, accessToken } = await open();
    for (const days of [29, 29, 29]) {
      later(days * dayMs);
      ({ refreshToken } = await refresh(refreshToken));
    }
    later(3 * dayMs - 2 * minuteMs);
    ({ refreshToken, accessToken } = await refresh(refreshToken));
    // The last access token ends with its session.
    expect((decodeJwt(accessToken).exp ?? 0) * 1000).toBeLessThan(Date.now() + 3 * minuteMs);
    later(3 * minuteMs);
    expect(await refusalOf(refresh(refreshToken))).toBe("bad_refresh_token");
  });
});

describe("a spent refresh token that is shown again", () => {
  test("ends the whole session, raises a threat and is in the record, and says no more than any bad token", async () => {
    const first = await open();
    const second = await refresh(first.refreshToken);
    expect(await refusalOf(refresh(first.refreshToken))).toBe("bad_refresh_token");

    expect(await refusalOf(refresh(second.refreshToken))).toBe("bad_refresh_token");
    expect(await validate(second.accessToken)).toMatchObject({
      valid: false,
      reason: "the session was ended",
    });

    const subject = `user:${first.userId}`;
    const { threats } = await it.client(ThreatService, asOperator).listThreats({
      kind: ThreatKind.TOKEN_REUSE,
    });
    expect(threats.find((threat) => threat.subject === subject)).toMatchObject({ severity: Severity.HIGH });
    const { entries } = await it.audit.listAudit({ resource: `session/${first.sessionId}` });
    expect(entries).toMatchObject([{ action: "session.reuse", actor: subject, service: "security" }]);
  });

  test("leaves the user's other sessions alone", async () => {
    const [one, other] = [await open(), await open()];
    await refresh(one.refreshToken);
    await refusalOf(refresh(one.refreshToken));
    expect((await validate(other.accessToken)).valid).toBe(true);
  });

  test("after signing out raises no threat", async () => {
    const first = await open();
    const { refreshToken } = await refresh(first.refreshToken);
    await it.tokens.closeSession({ session: { case: "refreshToken", value: refreshToken } });
    await refusalOf(refresh(first.refreshToken));
    const rows = await it.sql`select 1 from threats where subject = ${`user:${first.userId}`}`;
    expect(rows).toHaveLength(0);
  });
});

test("of many refreshes at once with one token exactly one wins", async () => {
  const { refreshToken } = await open();
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => refresh(refreshToken)));
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

describe("a session that is closed", () => {
  test("by its id or any of its refresh tokens is over, and may be closed again", async () => {
    const [one, other] = [await open(), await open()];
    for (let times = 0; times < 2; times++) {
      await it.tokens.closeSession({ session: { case: "sessionId", value: one.sessionId.toUpperCase() } });
      await it.tokens.closeSession({ session: { case: "refreshToken", value: other.refreshToken } });
    }
    for (const { accessToken, refreshToken } of [one, other]) {
      expect((await validate(accessToken)).valid).toBe(false);
      expect(await refusalOf(refresh(refreshToken))).toBe("bad_refresh_token");
    }
  });

  test("was never there: that is no error", async () => {
    await it.tokens.closeSession({ session: { case: "sessionId", value: newId() } });
    await it.tokens.closeSession({ session: { case: "refreshToken", value: "wr_nonsense" } });
  });

  test("with all others of its user is counted once", async () => {
    const userId = newId();
    const sessions = [await open(userId), await open(userId)];
    const bystander = await open();
    expect((await it.tokens.closeUserSessions({ userId, reason: "password changed" })).closed).toBe(2);
    expect((await it.tokens.closeUserSessions({ userId, reason: "password changed" })).closed).toBe(0);
    for (const { accessToken } of sessions) expect((await validate(accessToken)).valid).toBe(false);
    expect((await validate(bystander.accessToken)).valid).toBe(true);
    const { entries } = await it.audit.listAudit({ resource: `user/${userId}` });
    expect(entries).toMatchObject([{ action: "session.close_all", details: { closed: "2" } }]);
  });

  test("by somebody with security:admin, but not by anybody else", async () => {
    const { userId } = await open();
    const as = (permissions: string[]) => it.client(TokenService, asUser(newId(), permissions));
    await expect(as(["security:read"]).closeUserSessions({ userId })).rejects.toThrow();
    expect((await as(["security:admin"]).closeUserSessions({ userId })).closed).toBe(1);
  });
});

describe("a token that is validated", () => {
  test("answers with its user and the roles of today", async () => {
    const { userId, accessToken, sessionId } = await open();
    await it.client(PermissionService, asOperator).setUserRoles({ userId, roles: ["Viewer"] });
    expect(await validate(accessToken)).toMatchObject({
      valid: true,
      reason: "",
      userId,
      email,
      sessionId,
      roles: ["Viewer"],
      permissions: expect.arrayContaining(["content:read"]),
    });
  });

  test("is bad, which is an answer and no error", async () => {
    const { accessToken } = await open();
    const [head, body, signature = ""] = accessToken.split(".");
    const forged = Buffer.from(JSON.stringify({ ...decodeJwt(accessToken), roles: ["Admin"] })).toString(
      "base64url",
    );
    const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString("base64url");
    const service = await serviceToken();
    for (const token of [
      "x",
      "a.b.c",
      `${head}.${forged}.${signature}`,
      `${none}.${body}.`,
      `${head}.${body}.`,
      service,
    ]) {
      expect(await validate(token)).toMatchObject({ valid: false, reason: "the token is not valid" });
    }
  });

  test("has expired after ten minutes", async () => {
    const { accessToken } = await open();
    later(10 * minuteMs - 2000);
    expect((await validate(accessToken)).valid).toBe(true);
    later(10_000);
    expect(await validate(accessToken)).toMatchObject({ valid: false, reason: "the token has expired" });
  });
});

test("access tokens end before announcements about them do", () => {
  expect(10 * minuteMs).toBeLessThan(standingTtlMs);
});

test("what has expired is removed, and what is alive stays", async () => {
  const [dead, alive] = [await open(), await open()];
  await it.tokens.closeSession({ session: { case: "sessionId", value: dead.sessionId } });
  const db = openDatabase({
    url: it.host.databaseUrl("security"),
    applicationName: "test",
    maxConnections: 1,
  });
  const ids = async () => (await it.sql`select id from sessions`).map(({ id }) => id as string);
  await purgeExpired(db.sql, Date.now() + 8 * dayMs);
  expect(await ids()).toContain(alive.sessionId);
  expect(await ids()).not.toContain(dead.sessionId);
  await purgeExpired(db.sql, Date.now() + 91 * dayMs);
  expect(await ids()).toEqual([]);
  expect(await it.sql`select 1 from refresh_tokens`).toHaveLength(0);
  await db.close();
});

async function serviceToken(): Promise<string> {
  const assertion = await assertionOf("order", it.keys.keyOf("order"));
  return (await it.client(TokenService).issueServiceToken({ assertion, audience: "user" })).token;
}
