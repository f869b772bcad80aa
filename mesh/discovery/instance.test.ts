import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { newId } from "../id.ts";
import type { Instance } from "./instance.ts";
import { authorityOf, decodeInstance, encodeInstance, instanceKey } from "./instance.ts";

const good: Instance = {
  id: newId(),
  service: "order",
  host: "10.0.0.4",
  port: 8012,
  version: "0.1.0",
  weight: 100,
  contracts: "0".repeat(64),
  express: true,
};
const key = instanceKey(good.service, good.id);
const decode = (changes: object) => decodeInstance(key, JSON.stringify({ ...good, ...changes }));

describe("an instance", () => {
  test.each(["10.0.0.4", "::1", "fe80::1", "localhost", "order-7f.mesh.svc.cluster.local", "my_host"])(
    "at %s is read as it was written",
    (host) => {
      const instance = { ...good, host };
      expect(decodeInstance(key, encodeInstance(instance))).toEqual(instance);
    },
  );

  test.each([
    [0, 1],
    [-5, 1],
    [1.4, 1],
    [1e9, 1000],
  ])("of weight %d weighs %d", (weight, clamped) => {
    expect(decode({ weight })).toMatchObject({ weight: clamped });
    expect(decodeInstance(key, encodeInstance({ ...good, weight }))).toMatchObject({ weight: clamped });
  });

  test("of a later version, which says more, is understood", () => {
    expect(decode({ zone: "a" })).toEqual(good);
  });

  test("that nobody would read is refused before it is announced", () => {
    expect(() => encodeInstance({ ...good, host: "0.0.0.0" })).toThrow(/host .*; correct the address/);
    expect(() => encodeInstance({ ...good, weight: Number.NaN })).toThrow(/weight/);
  });
});

describe("an entry is not an instance", () => {
  test.each<[string, object]>([
    ["with another's id", { id: newId() }],
    ["of another's service", { service: "user" }],
    ["listening everywhere", { host: "::" }],
    ["at a mistyped address", { host: "10.0.0.444" }],
    ["at a name with a path", { host: "evil/x" }],
    ["at a name with a port", { host: "evil:80" }],
    ["at a name with a line break", { host: "evil\r\nx" }],
    ["at an endless name", { host: "a.".repeat(200) }],
    ["at no place", { host: "" }],
    ["at port 0", { port: 0 }],
    ["at port 65536", { port: 65_536 }],
    ["at a half port", { port: 80.5 }],
    ["at a port in words", { port: "80" }],
    ["with a weight in words", { weight: "heavy" }],
    ["without weight", { weight: null }],
    ["with an unreadable version", { version: "1\u001b[31m" }],
    ["without contracts", { contracts: "" }],
    ["with half a hash", { contracts: "0".repeat(63) }],
    ["that may be express", { express: "yes" }],
    ["that is too long", { filler: "x".repeat(1024) }],
  ])("%s", (_what, changes) => {
    expect(decode(changes)).toBeTypeOf("string");
  });

  test.each(["", "null", "[]", "5", "{", '"x"'])("written %j", (text) => {
    expect(decodeInstance(key, text)).toBeTypeOf("string");
  });

  test("under a key that its parts do not make", () => {
    const text = encodeInstance(good);
    for (const wrong of ["order", "order.", `user.${good.id}`, `order.x.${good.id}`])
      expect(decodeInstance(wrong, text)).toBeTypeOf("string");
  });
});

test.each([
  ["10.0.0.4", "10.0.0.4:80"],
  ["order.mesh", "order.mesh:80"],
  ["fd00::4", "[fd00::4]:80"],
])("port 80 of %s stands in a URL as %s", (host, authority) => {
  expect(authorityOf(host, 80)).toBe(authority);
  expect(new URL(`http://${authority}`).host).toBe(authority.replace(/:80$/, ""));
});

test("whatever stands in the bucket, reading it never throws", () => {
  const anything = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .record(
        Object.fromEntries(
          Object.entries(good).map(([name, value]) => [name, fc.oneof(fc.constant(value), fc.anything())]),
        ),
        { requiredKeys: [] },
      )
      .map(
        (it) => JSON.stringify(it, (_key, value) => (typeof value === "bigint" ? `${value}` : value)) ?? "",
      ),
  );
  fc.assert(
    fc.property(anything, (text) => {
      const decoded = decodeInstance(key, text);
      if (typeof decoded === "string") return;
      expect(decodeInstance(key, encodeInstance(decoded))).toEqual(decoded);
    }),
  );
});
