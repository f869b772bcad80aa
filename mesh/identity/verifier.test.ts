import { Code } from "@connectrpc/connect";
import type { CryptoKey, JWTPayload } from "jose";
import { base64url, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Caller } from "../call/identity.ts";
import { fail, reasonOf, WeftError } from "../errors.ts";
import { algorithm, issuer, platformAudience, tokenTypes } from "./tokens.ts";
import type { Verifier } from "./verifier.ts";
import { createVerifier } from "./verifier.ts";

const kid = "key-1";
const start = Date.UTC(2030, 0, 1);
let signing: { publicKey: CryptoKey; privateKey: CryptoKey };
let strange: { publicKey: CryptoKey; privateKey: CryptoKey };
beforeAll(async () => {
  signing = await generateKeyPair(algorithm, { extractable: true });
  strange = await generateKeyPair(algorithm);
});

let now = start;
let keyQuestions = 0;
const revoked = new Set<string>();
const roles = new Map<string, string[]>();
let verifier: Verifier;
beforeEach(() => {
  now = start;
  keyQuestions = 0;
  revoked.clear();
  roles.clear();
  verifier = createVerifier({
    service: "order",
    now: () => now,
    keys: async (wanted) => {
      keyQuestions++;
      if (wanted === kid) return signing.publicKey;
      throw fail.unauthenticated("bad_token", "the token is signed with an unknown key");
    },
    standing: {
      isRevoked: (id) => revoked.has(id),
      current: (user) => ({ ...user, roles: roles.get(user.id) ?? user.roles }),
    },
  });
});

interface Shape {
  typ?: string | undefined;
  kid?: string;
  key?: CryptoKey;
  audience?: string | undefined;
  issuer?: string;
  issuedMs?: number;
  lifetime?: number;
}

const aboutUser = {
  sub: "u1",
  sid: "s1",
  email: "u@example.com",
  roles: ["Customer"],
  permissions: ["order:read"],
};

function sign(claims: JWTPayload, shape: Shape = {}): Promise<string> {
  const issued = Math.floor((shape.issuedMs ?? now) / 1000);
  const jwt = new SignJWT(claims)
    .setProtectedHeader({
      alg: algorithm,
      kid: shape.kid ?? kid,
      ...(shape.typ !== undefined && { typ: shape.typ }),
    })
    .setIssuedAt(issued)
    .setIssuer(shape.issuer ?? issuer)
    .setExpirationTime(issued + (shape.lifetime ?? 600));
  if (shape.audience !== undefined) jwt.setAudience(shape.audience);
  return jwt.sign(shape.key ?? signing.privateKey);
}
const access = (claims: JWTPayload = {}, shape: Shape = {}) =>
  sign({ ...aboutUser, ...claims }, { typ: tokenTypes.access, audience: platformAudience, ...shape });
const serviceToken = (claims: JWTPayload = {}, shape: Shape = {}) =>
  sign(
    { sub: "gateway", scopes: ["order:use"], ...claims },
    { typ: tokenTypes.service, audience: "order", ...shape },
  );
const statement = (claims: JWTPayload = {}, shape: Shape = {}) =>
  sign(
    { ...aboutUser, act: { sub: "gateway" }, ...claims },
    { typ: tokenTypes.statement, audience: "order", ...shape },
  );

async function reasonFor(token: string | Promise<string>, about?: string | Promise<string>): Promise<string> {
  const outcome = await Promise.all([token, about])
    .then(([bearer, statement]) => verifier.verify(bearer, statement))
    .catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(WeftError);
  expect((outcome as WeftError).code).toBe(Code.Unauthenticated);
  return reasonOf(outcome);
}

describe("who calls", () => {
  const user = {
    id: "u1",
    sessionId: "s1",
    email: "u@example.com",
    roles: ["Customer"],
    permissions: ["order:read"],
  };
  const gateway = { name: "gateway", scopes: ["order:use"] };

  test("is the user of an access token", async () => {
    expect(await verifier.verify(await access())).toEqual<Caller>({ user });
  });
  test("is the service of a service token", async () => {
    expect(await verifier.verify(await serviceToken())).toEqual<Caller>({ service: gateway });
  });
  test("is both when the service shows a statement about the user", async () => {
    expect(await verifier.verify(await serviceToken(), await statement())).toEqual<Caller>({
      service: gateway,
      user,
    });
  });
  test("is the user alone when a user shows somebody's statement", async () => {
    const other = await statement({ sub: "admin" });
    expect(await verifier.verify(await access(), other)).toEqual<Caller>({ user });
  });
});

describe("a token is refused", () => {
  test("when it has expired, with the advice to refresh it", async () => {
    const token = await access();
    now += 606_000;
    expect(await reasonFor(token)).toBe("token_expired");
  });
  test("before it is valid", async () => {
    expect(await reasonFor(access({ nbf: start / 1000 + 60 }))).toBe("bad_token");
  });
  test("when it is not signed", async () => {
    const unsigned = new UnsecuredJWT(aboutUser)
      .setIssuer(issuer)
      .setAudience(platformAudience)
      .setIssuedAt(start / 1000)
      .setExpirationTime(start / 1000 + 600)
      .encode();
    expect(await reasonFor(unsigned)).toBe("bad_token");
    const [, payload] = (await access()).split(".");
    for (const alg of ["none", "None", "NONE", ""]) {
      const header = base64url.encode(JSON.stringify({ alg, typ: tokenTypes.access, kid }));
      expect(await reasonFor(`${header}.${payload}.`)).toBe("bad_token");
    }
  });
  test("when it is signed by HMAC with the public key as the secret (RFC 8725 §2.1)", async () => {
    const secrets = [
      new TextEncoder().encode(await exportSPKI(signing.publicKey)),
      new Uint8Array(await crypto.subtle.exportKey("raw", signing.publicKey)),
    ];
    for (const secret of secrets) {
      const token = new SignJWT(aboutUser)
        .setProtectedHeader({ alg: "HS256", typ: tokenTypes.access, kid })
        .setIssuer(issuer)
        .setAudience(platformAudience)
        .setIssuedAt(start / 1000)
        .setExpirationTime(start / 1000 + 600)
        .sign(secret);
      expect(await reasonFor(token)).toBe("bad_token");
    }
  });
  test("when it is signed by another algorithm, even if the keys had one for that", async () => {
    const pair = await generateKeyPair("ES256");
    verifier = createVerifier({
      service: "order",
      now: () => now,
      keys: async () => pair.publicKey,
      standing: { isRevoked: () => false, current: (user) => user },
    });
    const token = new SignJWT(aboutUser)
      .setProtectedHeader({ alg: "ES256", typ: tokenTypes.access, kid })
      .setIssuer(issuer)
      .setAudience(platformAudience)
      .setIssuedAt(start / 1000)
      .setExpirationTime(start / 1000 + 600)
      .sign(pair.privateKey);
    expect(await reasonFor(token)).toBe("bad_token");
  });
  test("when another key signed it under a known id", async () => {
    expect(await reasonFor(access({}, { key: strange.privateKey }))).toBe("bad_token");
  });
  test("when its key is unknown", async () => {
    expect(await reasonFor(access({}, { kid: "key-2" }))).toBe("bad_token");
  });
  test("when a byte of it was changed", async () => {
    const [header, payload, signature] = (await access()).split(".") as [string, string, string];
    const raised = base64url.encode(
      new TextDecoder().decode(base64url.decode(payload)).replace("order:read", "order:*abc"),
    );
    expect(await reasonFor(`${header}.${raised}.${signature}`)).toBe("bad_token");
    expect(await reasonFor(`${header}.${payload}.${signature.slice(0, -4)}AAAA`)).toBe("bad_token");
  });
  test("when it is for another audience", async () => {
    expect(await reasonFor(serviceToken({}, { audience: "user" }))).toBe("bad_token");
    expect(await reasonFor(access({}, { audience: "order" }))).toBe("bad_token");
    expect(await reasonFor(serviceToken({}, { audience: platformAudience }))).toBe("bad_token");
    expect(await reasonFor(access({}, { audience: undefined }))).toBe("bad_token");
  });
  test("when it is from another issuer", async () => {
    expect(await reasonFor(access({}, { issuer: "order" }))).toBe("bad_token");
  });
  test.each(["", "a", "a.b.c", "..", "é.é.é", "e30.e30.e30", "null", "x".repeat(9000)])(
    "when it is junk: %.20j",
    async (junk) => {
      expect(await reasonFor(junk)).toBe("bad_token");
    },
  );
  test("when it is a giant, before anything is computed", async () => {
    expect(await reasonFor(access({ padding: "x".repeat(9000) }))).toBe("bad_token");
    expect(keyQuestions).toBe(0);
  });
  test.each(["sub", "sid", "email", "roles", "permissions"])("when it lacks %s", async (claim) => {
    expect(await reasonFor(access({ [claim]: undefined }))).toBe("bad_token");
  });
  test.each([
    ["roles", "Admin"],
    ["permissions", [1]],
    ["sid", ""],
    ["email", 5],
  ])("when its %s is %j", async (claim, value) => {
    expect(await reasonFor(access({ [claim]: value }))).toBe("bad_token");
  });
  test("when it never expires", async () => {
    const endless = await new SignJWT(aboutUser)
      .setProtectedHeader({ alg: algorithm, typ: tokenTypes.access, kid })
      .setIssuer(issuer)
      .setAudience(platformAudience)
      .setIssuedAt(start / 1000)
      .sign(signing.privateKey);
    expect(await reasonFor(endless)).toBe("bad_token");
  });
});

describe("a token of one kind is not taken for another", () => {
  const kinds = Object.values(tokenTypes);
  const every = { ...aboutUser, scopes: ["*:*"], act: { sub: "gateway" } };
  const audiences = [platformAudience, "order"];

  test.each([...kinds, undefined, "JWT", "at+JWT;x", "application/at+jwt"])("as bearer: %s", async (typ) => {
    for (const audience of audiences) {
      const token = await sign(every, { typ, audience });
      const right =
        (typ === tokenTypes.access && audience === platformAudience) ||
        (typ === tokenTypes.service && audience === "order");
      if (right) await verifier.verify(token);
      else expect(await reasonFor(token)).toBe("bad_token");
    }
  });

  test.each([tokenTypes.access, tokenTypes.service, tokenTypes.assertion, undefined, "JWT"])(
    "as statement: %s",
    async (typ) => {
      for (const audience of audiences) {
        expect(await reasonFor(serviceToken(), sign(every, { typ, audience }))).toBe("bad_token");
      }
    },
  );
});

describe("a statement about a user", () => {
  test.each([
    ["made for another service", { act: { sub: "social" } }],
    ["without an actor", { act: undefined }],
    ["with an odd actor", { act: "gateway" }],
    ["with no actor at all", { act: null }],
  ])("%s is refused", async (_name, claims) => {
    expect(await reasonFor(serviceToken(), statement(claims as JWTPayload))).toBe("bad_token");
  });
  test("made for another callee is refused", async () => {
    expect(await reasonFor(serviceToken(), statement({}, { audience: "user" }))).toBe("bad_token");
  });
  test("that has expired is refused", async () => {
    const about = await statement({}, { lifetime: 60 });
    const bearer = await serviceToken();
    now += 66_000;
    expect(await reasonFor(bearer, about)).toBe("token_expired");
  });
});

describe("what changed after a token was issued", () => {
  test("an ended session is refused at once, by token and by statement", async () => {
    const [token, bearer, about] = [await access(), await serviceToken(), await statement()];
    await verifier.verify(token);
    await verifier.verify(bearer, about);
    revoked.add("s1");
    expect(await reasonFor(token)).toBe("session_ended");
    expect(await reasonFor(bearer, about)).toBe("session_ended");
    expect((await verifier.verify(bearer)).service?.name).toBe("gateway");
  });
  test("today's roles count, not the token's", async () => {
    const token = await access();
    await verifier.verify(token);
    roles.set("u1", ["Viewer"]);
    expect((await verifier.verify(token)).user?.roles).toEqual(["Viewer"]);
    expect((await verifier.verify(await serviceToken(), await statement())).user?.roles).toEqual(["Viewer"]);
  });
});

describe("verified tokens are kept", () => {
  test("so that the signature is looked at once", async () => {
    const token = await access();
    for (let i = 0; i < 5; i++) await verifier.verify(token);
    expect(keyQuestions).toBe(1);
  });
  test("until they expire, by the clock that is given", async () => {
    const token = await access({}, { lifetime: 10 });
    await verifier.verify(token);
    now += 9_999;
    await verifier.verify(token);
    expect(keyQuestions).toBe(1);
    now += 5_002;
    expect(await reasonFor(token)).toBe("token_expired");
  });
  test("but refusals are not, so a good key that arrives late is used", async () => {
    let known = false;
    verifier = createVerifier({
      service: "order",
      now: () => now,
      keys: async () => {
        if (known) return signing.publicKey;
        throw fail.unavailable("issuer_unavailable", "away");
      },
      standing: { isRevoked: () => false, current: (user) => user },
    });
    const token = await access();
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: Code.Unavailable });
    known = true;
    expect((await verifier.verify(token)).user?.id).toBe("u1");
  });
});
