import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decrypt, deriveKey, encrypt, parseMasterKey } from "./master-key.ts";

const key = randomBytes(32);

test("a master key reads the same in base64, base64url and hex", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      for (const encoding of ["base64", "base64url", "hex"] as const) {
        expect(Buffer.from(parseMasterKey(Buffer.from(bytes).toString(encoding)))).toEqual(
          Buffer.from(bytes),
        );
      }
    }),
  );
});

test.each([
  ["a short one", randomBytes(31).toString("base64")],
  ["a long one", randomBytes(33).toString("hex")],
  ["words", "correct horse battery"],
])("%s is refused", (_what, text) => {
  expect(() => parseMasterKey(text)).toThrow(/32/);
});

test("purposes have keys of their own", () => {
  expect(deriveKey(key, "a")).toEqual(deriveKey(key, "a"));
  expect(deriveKey(key, "a")).not.toEqual(deriveKey(key, "b"));
});

test("what is encrypted comes back with the same key and name, and with no other", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.string(), fc.nat(), (secret, name, at) => {
      const sealed = encrypt(key, secret, name);
      expect(Buffer.from(decrypt(key, sealed, name))).toEqual(Buffer.from(secret));
      expect(() => decrypt(randomBytes(32), sealed, name)).toThrow();
      expect(() => decrypt(key, sealed, `${name}!`)).toThrow();
      const changed = Buffer.from(sealed);
      const place = at % changed.length;
      changed[place] = (changed[place] ?? 0) ^ 1;
      expect(() => decrypt(key, changed, name)).toThrow();
    }),
    { numRuns: 50 },
  );
});
