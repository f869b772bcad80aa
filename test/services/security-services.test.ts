import { readFile, utimes, writeFile } from "node:fs/promises";
import { decodeJwt, decodeProtectedHeader, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { AuditService, Outcome } from "#gen/security/v1/audit_pb.js";
import { PermissionService } from "#gen/security/v1/permissions_pb.js";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import { newId } from "#mesh";
import { createKeySource } from "#mesh/identity/keys.ts";
import { createVerifier } from "#mesh/identity/verifier.ts";
import { hostInMemory } from "#mesh/testing/host.ts";
import security from "../../services/security/service.ts";
import { assertionOf } from "./security-assertions.ts";
import { newServiceKey } from "./security-env.ts";
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

const minuteMs = 60_000;
const later = (ms: number) => vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });
const key = (service: string) => it.keys.keyOf(service);
const issue = (assertion: string, audience = "content") =>
  it.client(TokenService).issueServiceToken({ assertion, audience });
const open = async (userId = newId()) => {
  const { tokens } = await it.tokens.openSession({ userId, email: "ada@example.com" });
  return { userId, accessToken: tokens?.accessToken ?? "", sessionId: tokens?.sessionId ?? "" };
};
const exchange = (service: string, subjectToken: string, audience: string) =>
  it.client(TokenService, asService(service)).exchangeUserToken({ subjectToken, audience });

/** As the mesh verifies in each service. */
const verifierOf = (service: string) =>
  createVerifier({
    service,
    keys: createKeySource({ fetch: async () => (await it.client(TokenService).getKeySet({})).keys }),
    standing: { isRevoked: () => false, current: (user) => user },
    now: () => Date.now(),
  });

describe("a service that proves its name", () => {
  test("gets a token for one callee, with the scopes it is trusted with, for an hour", async () => {
    const { token, scopes, expiresAt } = await issue(await assertionOf("user", key("user")));
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: "EdDSA", typ: "weft-service+jwt" });
    expect(decodeJwt(token)).toMatchObject({ iss: "weft-security", sub: "user", aud: "content" });
    expect(scopes).toEqual(["user:read", "user:write", "auth:validate"]);
    expect(Number(expiresAt?.seconds) * 1000 - Date.now()).toBeGreaterThan(59 * minuteMs);
    expect(await verifierOf("content").verify(token)).toEqual({ service: { name: "user", scopes } });
    await expect(verifierOf("order").verify(token)).rejects.toThrow();
  });

  test("may do so two minutes ahead, and no longer", async () => {
    await issue(await assertionOf("order", key("order"), { expiresIn: 119 }));
    const early = await assertionOf("order", key("order"), { expiresIn: 300 });
    expect(await refusalOf(issue(early))).toBe("bad_assertion");
  });
});

describe("an assertion is refused, without saying why,", () => {
  const refusals: Record<string, () => Promise<string>> = {
    "that is nonsense": async () => "hello",
    "of a service that nobody trusts": () => assertionOf("stranger", newServiceKey().privateKey),
    "signed with another key": () => assertionOf("order", newServiceKey().privateKey),
    "signed with another service's key": () => assertionOf("order", key("content")),
    "that is not signed": async () =>
      new UnsecuredJWT({ jti: "1" })
        .setIssuer("order")
        .setSubject("order")
        .setAudience("security")
        .setExpirationTime("1m")
        .encode(),
    "signed with a public key as if it were a shared secret": async () =>
      new SignJWT({ jti: "1" })
        .setProtectedHeader({ alg: "HS256", typ: "weft-assertion+jwt" })
        .setIssuer("order")
        .setSubject("order")
        .setAudience("security")
        .setExpirationTime("1m")
        .sign(Buffer.from(key("order").x ?? "", "base64url")),
    "that has expired": () => assertionOf("order", key("order"), { expiresIn: -10 }),
    "that never expires": () => assertionOf("order", key("order"), { expiresIn: undefined }),
    "for another audience": () => assertionOf("order", key("order"), { aud: "user" }),
    "of another kind": () => assertionOf("order", key("order"), { typ: "at+jwt" }),
    "about somebody else": () => assertionOf("order", key("order"), { sub: "user" }),
    "without an id": () => assertionOf("order", key("order"), { jti: undefined }),
    "with an empty id": () => assertionOf("order", key("order"), { jti: "" }),
    "with an id without end": () => assertionOf("order", key("order"), { jti: "x".repeat(300) }),
  };
  test.each(Object.keys(refusals))("%s", async (name) => {
    const assertion = (await refusals[name]?.()) ?? "";
    await expect(issue(assertion)).rejects.toThrow(/the assertion is not accepted/);
    expect(await refusalOf(issue(assertion))).toBe("bad_assertion");
  });

  test("that is shown twice, at whichever instance", async () => {
    await using replica = await hostInMemory([security], {
      env: { ...it.env, ...it.host.sameStores("security") },
    });
    const assertion = await assertionOf("order", key("order"));
    const tries = [
      issue(assertion),
      replica.client(TokenService).issueServiceToken({ assertion, audience: "content" }),
    ];
    const results = await Promise.allSettled(tries);
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(await refusalOf(issue(assertion))).toBe("bad_assertion");
  });
});

test("wrong signatures and replays are in the audit record, but a flood of them does not fill it", async () => {
  await using own = await securityHost();
  const client = own.client(TokenService);
  const replayed = await assertionOf("content", own.keys.keyOf("content"));
  await client.issueServiceToken({ assertion: replayed, audience: "user" });
  for (let times = 0; times < 20; times++) {
    const forged = await assertionOf("content", newServiceKey().privateKey);
    await refusalOf(client.issueServiceToken({ assertion: forged, audience: "user" }));
    await refusalOf(client.issueServiceToken({ assertion: replayed, audience: "user" }));
  }
  const { entries } = await own.client(AuditService, asOperator).listAudit({ action: "assertion.refuse" });
  expect(entries.map(({ details }) => details.problem).sort()).toEqual(["bad_signature", "replayed"]);
  expect(entries[0]).toMatchObject({ resource: "service/content", outcome: Outcome.DENIED });
});

describe("the trust file", () => {
  test("is read again when it has changed, and kept when it does not hold up", async () => {
    await using own = await securityHost();
    const file = own.env.SECURITY_TRUST_FILE ?? "";
    const { privateKey, publicKey } = newServiceKey();
    const tryIt = async () =>
      own
        .client(TokenService)
        .issueServiceToken({ assertion: await assertionOf("late", privateKey), audience: "user" });
    let changes = 0;
    const change = async (text: string) => {
      await writeFile(file, text);
      await utimes(file, new Date(), new Date(Date.now() + ++changes * 5000));
      later(1500);
    };
    expect(await refusalOf(tryIt())).toBe("bad_assertion");
    const trusted = JSON.parse(await readFile(file, "utf8"));
    trusted.services.late = { key: publicKey, scopes: ["content:read"] };
    await change(JSON.stringify(trusted));
    expect((await tryIt()).scopes).toEqual(["content:read"]);
    await change("{ not json");
    expect((await tryIt()).scopes).toEqual(["content:read"]);
    trusted.services.late = undefined;
    await change(JSON.stringify(trusted));
    expect(await refusalOf(tryIt())).toBe("bad_assertion");
  });

  test.each([
    ["is not there", undefined, /ENOENT/],
    ["is no JSON", "{", /JSON/],
    ["lacks services", "{}", /no object "services"/],
    ["has a service without a key", '{"services":{"order":{"scopes":[]}}}', /the key of order/],
    [
      "has a private key",
      JSON.stringify({ services: { order: { key: newServiceKey().privateKey, scopes: [] } } }),
      /private/,
    ],
    [
      "has scopes that are none",
      JSON.stringify({ services: { order: { key: newServiceKey().publicKey, scopes: ["all"] } } }),
      /scopes of order/,
    ],
  ])("that %s stops the start with a clear word", async (_what, text, message) => {
    const file = `${it.env.SECURITY_TRUST_FILE}.${newId()}`;
    if (text !== undefined) await writeFile(file, text);
    const start = hostInMemory([security], { env: { ...it.env, SECURITY_TRUST_FILE: file } });
    await expect(start).rejects.toThrow(/SECURITY_TRUST_FILE: cannot use/);
    await expect(start).rejects.toThrow(message);
  });
});

describe("a service that acts for a user", () => {
  test("gets a statement for one callee that names both", async () => {
    const { userId, accessToken, sessionId } = await open();
    const { statement } = await exchange("order", accessToken, "content");
    expect(decodeProtectedHeader(statement)).toMatchObject({ typ: "weft-user+jwt" });
    expect(decodeJwt(statement)).toMatchObject({
      sub: userId,
      sid: sessionId,
      aud: "content",
      act: { sub: "order" },
    });
    const { token } = await issue(await assertionOf("order", key("order")));
    expect(await verifierOf("content").verify(token, statement)).toMatchObject({
      service: { name: "order" },
      user: { id: userId, email: "ada@example.com", sessionId, roles: ["Customer"] },
    });
  });

  test("may pass on a statement that was made for it, but none that was made for others", async () => {
    const { userId, accessToken } = await open();
    const { statement } = await exchange("order", accessToken, "content");
    const next = await exchange("content", statement, "user");
    expect(decodeJwt(next.statement)).toMatchObject({ sub: userId, aud: "user", act: { sub: "content" } });
    expect(await refusalOf(exchange("user", statement, "content"))).toBe("bad_token");
  });

  test("is told the roles of today", async () => {
    const { userId, accessToken } = await open();
    await it.client(PermissionService, asOperator).setUserRoles({ userId, roles: ["Editor"] });
    expect(decodeJwt((await exchange("order", accessToken, "content")).statement)).toMatchObject({
      roles: ["Editor"],
    });
  });

  test("gets none that outlives the token it is made of", async () => {
    const { accessToken } = await open();
    const exp = decodeJwt(accessToken).exp ?? 0;
    const first = decodeJwt((await exchange("order", accessToken, "content")).statement);
    expect((first.exp ?? 0) - (first.iat ?? 0)).toBe(300);
    later(8 * minuteMs);
    expect(decodeJwt((await exchange("order", accessToken, "content")).statement).exp).toBe(exp);
  });

  test("gets none for a session that was ended, nor for tokens that are none", async () => {
    const { accessToken, sessionId } = await open();
    await it.tokens.closeSession({ session: { case: "sessionId", value: sessionId } });
    expect(await refusalOf(exchange("order", accessToken, "content"))).toBe("session_ended");
    expect(await refusalOf(exchange("order", "nonsense", "content"))).toBe("bad_token");
    const { token } = await issue(await assertionOf("order", key("order")));
    expect(await refusalOf(exchange("order", token, "content"))).toBe("bad_token");
  });

  test("is a service and no user", async () => {
    const { accessToken } = await open();
    const call = it
      .client(TokenService, asUser(newId(), ["*:*"]))
      .exchangeUserToken({ subjectToken: accessToken, audience: "content" });
    await expect(call).rejects.toThrow();
  });
});
