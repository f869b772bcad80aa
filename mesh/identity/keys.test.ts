import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { JWK } from "jose";
import { exportJWK, generateKeyPair } from "jose";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { GetKeySetResponseSchema } from "#gen/security/v1/tokens_pb.js";
import type { KeySource } from "./keys.ts";
import { createIssuerKeys, createKeySource } from "./keys.ts";

const made: Record<string, JWK> = {};
beforeAll(async () => {
  for (const kid of ["a", "b", "c"]) {
    const { publicKey } = await generateKeyPair("EdDSA", { extractable: true });
    made[kid] = { ...(await exportJWK(publicKey)), kid, alg: "EdDSA", use: "sig" };
  }
});

let now = 0;
let questions = 0;
let published: JWK[] | Error = [];
let hold: Promise<void> | undefined;
let keys: KeySource;
const publish = (...kids: string[]) => {
  published = kids.map((kid) => made[kid]!);
};
beforeEach(() => {
  now = 1_000_000;
  questions = 0;
  hold = undefined;
  publish("a");
  keys = createKeySource({
    now: () => now,
    cooldownMs: 5000,
    fetch: async () => {
      questions++;
      await hold;
      if (published instanceof Error) throw published;
      return published;
    },
  });
});

const codeOf = (kid: string) =>
  keys(kid).then(
    () => "found",
    (error: { code: Code }) => Code[error.code],
  );

describe("the issuer is asked", () => {
  test("only when a key is unknown", async () => {
    expect(questions).toBe(0);
    await keys("a");
    now += 1e9;
    await keys("a");
    expect(questions).toBe(1);
  });
  test("once for all who ask at the same time", async () => {
    const release = Promise.withResolvers<void>();
    hold = release.promise;
    const asked = [keys("a"), keys("a"), codeOf("x"), codeOf("y")];
    release.resolve();
    expect((await Promise.all(asked)).slice(2)).toEqual(["Unauthenticated", "Unauthenticated"]);
    expect(questions).toBe(1);
  });
  test("at most once per cooldown for ids that are made up", async () => {
    await keys("a");
    for (let i = 0; i < 100; i++) expect(await codeOf(`made-up-${i}`)).toBe("Unauthenticated");
    expect(questions).toBe(1);
    now += 5000;
    for (let i = 0; i < 100; i++) await codeOf(`made-up-${i}`);
    expect(questions).toBe(2);
  });
});

test("a new key is known after the cooldown, and one that was withdrawn no longer", async () => {
  await keys("a");
  publish("b");
  expect(await codeOf("b")).toBe("Unauthenticated");
  now += 5000;
  expect(await codeOf("b")).toBe("found");
  expect(await codeOf("a")).toBe("Unauthenticated");
});

describe("while the issuer is away", () => {
  test("known keys go on, and unknown ones are told to come back", async () => {
    await keys("a");
    published = new Error("away");
    now += 5000;
    expect(await codeOf("a")).toBe("found");
    expect(await codeOf("b")).toBe("Unavailable");
    expect(await codeOf("a")).toBe("found");
  });
  test("a failed question poisons nothing: the next is asked without a cooldown", async () => {
    published = new Error("away");
    expect(await codeOf("a")).toBe("Unavailable");
    publish("a");
    expect(await codeOf("a")).toBe("found");
  });
});

test("keys of other kinds are passed over (RFC 7517 §5)", async () => {
  published = [
    { kty: "RSA", kid: "r", n: "AQAB", e: "AQAB" },
    { kty: "EC", crv: "P-256", kid: "e", x: "x", y: "y" },
    { kty: "OKP", crv: "Ed448", kid: "o", x: "x" },
    { kty: "", crv: "", kid: "n" },
    made.a!,
  ];
  expect(await codeOf("a")).toBe("found");
  for (const kid of ["r", "e", "o", "n"]) expect(await codeOf(kid)).toBe("Unauthenticated");
});

test("keys are read as the issuer's own messages have them", async () => {
  const { kty = "", crv = "", x = "", kid = "", alg = "", use = "" } = made.a!;
  const answer = create(GetKeySetResponseSchema, { keys: [{ kty, crv, x, kid, alg, use }] });
  const ofIssuer = createIssuerKeys({ getKeySet: async () => answer });
  expect((await ofIssuer("a")).type).toBe("public");
  await expect(ofIssuer("b")).rejects.toMatchObject({ code: Code.Unauthenticated });
});
