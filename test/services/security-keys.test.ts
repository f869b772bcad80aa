import { randomBytes } from "node:crypto";
import { decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, describe, expect, test, vi } from "vitest";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import { newId } from "#mesh";
import { createKeySource } from "#mesh/identity/keys.ts";
import { createVerifier } from "#mesh/identity/verifier.ts";
import { hostInMemory } from "#mesh/testing/host.ts";
import security from "../../services/security/service.ts";
import type { SecurityHost } from "./security-host.ts";
import { asOperator, asUser, securityHost } from "./security-host.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const later = (ms: number) => vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });
afterEach(() => {
  vi.useRealTimers();
});

const open = async (it: Pick<SecurityHost, "tokens">) => {
  const { tokens } = await it.tokens.openSession({ userId: newId(), email: "ada@example.com" });
  return tokens?.accessToken ?? "";
};
const kidOf = (token: string) => decodeProtectedHeader(token).kid ?? "";
const published = async (it: SecurityHost) =>
  (await it.client(TokenService).getKeySet({})).keys.map(({ kid }) => kid);
const rotate = async (it: SecurityHost) => (await it.client(TokenService, asOperator).rotateKeys({})).kid;

describe("the key set", () => {
  test("shows public keys only, to anybody, and the next one before it signs", async () => {
    await using it = await securityHost();
    const { keys } = await it.client(TokenService).getKeySet({});
    expect(keys).toHaveLength(2);
    for (const key of keys) {
      expect(key).toMatchObject({ kty: "OKP", crv: "Ed25519", alg: "EdDSA", use: "sig" });
      expect(Object.keys(key)).not.toContain("d");
    }
    const signing = kidOf(await open(it));
    const next = keys.find(({ kid }) => kid !== signing)?.kid;
    expect(await rotate(it)).toBe(next);
    expect(kidOf(await open(it))).toBe(next);
  });

  test("holds retired keys until all that they signed has expired", async () => {
    await using it = await securityHost();
    const token = await open(it);
    await rotate(it);
    expect((await it.tokens.validateToken({ token })).valid).toBe(true);
    later(hourMs);
    expect(await published(it)).toContain(kidOf(token));
    later(10 * minuteMs);
    expect(await published(it)).not.toContain(kidOf(token));
  });
});

test("a service that knew the old keys verifies tokens of both sides of a rotation", async () => {
  await using it = await securityHost();
  let asked = 0;
  const verifier = createVerifier({
    service: "order",
    keys: createKeySource({
      fetch: async () => {
        asked++;
        return (await it.client(TokenService).getKeySet({})).keys;
      },
    }),
    standing: { isRevoked: () => false, current: (user) => user },
  });
  const before = await open(it);
  await verifier.verify(before);
  await rotate(it);
  const after = await open(it);
  expect((await verifier.verify(after)).user?.email).toBe("ada@example.com");
  expect((await verifier.verify(before)).user?.email).toBe("ada@example.com");
  expect(asked).toBe(1);
});

test("keys rotate by themselves when they are old enough", async () => {
  await using it = await securityHost();
  const before = kidOf(await open(it));
  later(25 * hourMs);
  // A second instance starts, and so looks after the keys, at that time.
  await using _replica = await hostInMemory([security], {
    env: { ...it.env, ...it.host.sameStores("security") },
  });
  const after = kidOf(await open(it));
  expect(after).not.toBe(before);
  const rows = await it.sql`select state from signing_keys order by state`;
  expect(rows.map(({ state }) => state)).toEqual(["active", "next", "retired"]);
});

test("instances that start and rotate at once agree on the keys", async () => {
  await using it = await securityHost();
  const env = { ...it.env, ...it.host.sameStores("security") };
  await it.sql`delete from signing_keys`;
  const replicas = await Promise.all([1, 2, 3].map(() => hostInMemory([security], { env })));
  try {
    const rows = await it.sql`select state from signing_keys order by state`;
    expect(rows.map(({ state }) => state)).toEqual(["active", "next"]);
    const clients = replicas.map((replica) => replica.client(TokenService, { caller: asOperator }));
    const kids = (await Promise.all(clients.map((client) => client.rotateKeys({})))).map(({ kid }) => kid);
    expect(new Set(kids).size).toBe(3);
    const states =
      await it.sql`select state, count(*)::int as count from signing_keys group by state order by state`;
    expect(states.map((row) => ({ ...row }))).toEqual([
      { state: "active", count: 1 },
      { state: "next", count: 1 },
      { state: "retired", count: 3 },
    ]);
  } finally {
    for (const replica of replicas) await replica.stop();
  }
});

test("rotating is for operators and security:admin, and is in the audit record", async () => {
  await using it = await securityHost();
  const as = (...permissions: string[]) => it.client(TokenService, asUser(newId(), permissions));
  await expect(as("security:read").rotateKeys({})).rejects.toThrow(/security:admin/);
  const { kid } = await as("security:admin").rotateKeys({});
  const { entries } = await it.audit.listAudit({ action: "key.rotate", resource: `signing-key/${kid}` });
  expect(entries).toMatchObject([{ actor: expect.stringMatching(/^user:/) }]);
});

describe("a key that somebody else put into the table", () => {
  const forger = async () => {
    const { publicKey, privateKey } = await generateKeyPair("EdDSA", { extractable: true });
    const { x = "" } = await exportJWK(publicKey);
    const token = await new SignJWT({ sid: newId(), email: "e@example.com", roles: [], permissions: ["*:*"] })
      .setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", kid: "forged" })
      .setSubject(newId())
      .setIssuer("weft-security")
      .setAudience("weft")
      .setIssuedAt()
      .setExpirationTime("5m")
      .sign(privateKey);
    return { x, token };
  };
  test("is not published, and verifies nothing", async () => {
    await using it = await securityHost();
    const { x, token } = await forger();
    await it.sql`
      insert into signing_keys (kid, state, public_key, seal, created_at, retired_at, longest_life_ms)
      values ('forged', 'retired', ${x}, ${randomBytes(32)}, now(), now(), 3600000)`;
    later(2000);
    expect(await published(it)).not.toContain("forged");
    expect((await it.tokens.validateToken({ token })).valid).toBe(false);
    expect((await it.tokens.validateToken({ token: await open(it) })).valid).toBe(true);
  });

  test("is not believed in the place of one of ours either", async () => {
    await using it = await securityHost();
    const { x } = await forger();
    await it.sql`update signing_keys set public_key = ${x} where state = 'next'`;
    later(2000);
    const { keys } = await it.client(TokenService).getKeySet({});
    expect(keys.map((key) => key.x)).not.toContain(x);
    await expect(rotate(it)).rejects.toThrow(/rows that this service did not write/);
  });
});

describe("the master key", () => {
  test("encrypts private keys, which are gone once they are retired", async () => {
    await using it = await securityHost();
    await rotate(it);
    const rows = await it.sql`select state, length(private_key) as length from signing_keys order by state`;
    // 12 bytes of nonce, 16 of tag, 32 of key.
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { state: "active", length: 60 },
      { state: "next", length: 60 },
      { state: "retired", length: null },
    ]);
  });

  test("must be the one that the keys were made with, or nothing is changed", async () => {
    await using it = await securityHost();
    const before = await it.sql`select count(*) from audit_entries`;
    later(48 * hourMs);
    const start = hostInMemory([security], {
      env: {
        ...it.env,
        ...it.host.sameStores("security"),
        SECURITY_MASTER_KEY: randomBytes(32).toString("hex"),
      },
    });
    await expect(start).rejects.toThrow(/cannot be decrypted with this SECURITY_MASTER_KEY/);
    expect(await it.sql`select count(*) from audit_entries`).toEqual(before);
  });

  test.each([
    ["", /SECURITY_MASTER_KEY is not set/],
    [randomBytes(16).toString("base64"), /must be 32 bytes but is 16/],
    ["not a key!", /must be 32 bytes in base64 or hex/],
  ])("is refused when it is %j", async (value, message) => {
    const start = hostInMemory([security], { env: { SECURITY_MASTER_KEY: value, SECURITY_TRUST_FILE: "x" } });
    await expect(start).rejects.toThrow(message);
    if (value) await expect(start).rejects.not.toThrow(value);
  });
});
