import { describe, expect, test } from "vitest";
import { AuthService } from "#gen/user/v1/auth_pb.js";
import { compareContracts } from "./compare-contracts.ts";
import type { TestFile, TestMethod } from "./testing/test-file.ts";
import { testServices } from "./testing/test-file.ts";

const compare = (before: Partial<TestFile>, after: Partial<TestFile>) => {
  const contracts = (file: Partial<TestFile>) =>
    testServices({ services: { S: { Do: {} } }, enums: { E: ["E_NONE = 0", "E_ONE = 1"] }, ...file });
  return compareContracts({ contracts: contracts(before) }, { contracts: contracts(after) }).map(
    ({ kind, what }) => `${kind}: ${what}`,
  );
};
const method = (it: TestMethod) => ({ services: { S: { Do: it } } });
const access = (it: Record<string, unknown>) => method({ options: { access: it as never } });
const request = (...fields: string[]) => ({ messages: { Request: fields } });
const inner = (...fields: string[]) => ({
  messages: {
    Request: ["inner: Inner = 1"],
    Inner: fields,
    Other: ["x: string = 1"],
    Another: ["x: string = 1"],
  },
});

describe("what callers notice of a new contract", () => {
  test.each<[string, Partial<TestFile>, Partial<TestFile>, string[]]>([
    ["nothing", {}, {}, []],
    [
      "a service is gone",
      { services: { S: {}, T: {} } },
      { services: { S: {} } },
      ["breaking: test.v1.T is gone"],
    ],
    [
      "a service is new",
      { services: { S: {} } },
      { services: { S: {}, T: {} } },
      ["addition: test.v1.T is new"],
    ],
    [
      "a method is gone",
      { services: { S: { A: {}, B: {} } } },
      { services: { S: { A: {} } } },
      ["breaking: test.v1.S/B is gone"],
    ],
    [
      "a method is new",
      { services: { S: { A: {} } } },
      { services: { S: { A: {}, B: {} } } },
      ["addition: test.v1.S/B is new"],
    ],
    [
      "it takes another message",
      {},
      method({ input: "Answer" }),
      ["breaking: test.v1.S/Do takes test.v1.Answer, before test.v1.Request"],
    ],
    [
      "it gives another message",
      {},
      method({ output: "Request" }),
      ["breaking: test.v1.S/Do answers with test.v1.Request, before test.v1.Answer"],
    ],
    [
      "it streams",
      {},
      method({ stream: "out" }),
      ["breaking: test.v1.S/Do is server_streaming, before unary"],
    ],
    [
      "another status",
      {},
      method({ options: { access: { public: true }, successStatus: 201 } }),
      ["breaking: test.v1.S/Do answers with status 201, before 200"],
    ],
    [
      "less safe to repeat",
      method({ idempotency: "NO_SIDE_EFFECTS" }),
      method({ idempotency: "IDEMPOTENT" }),
      ["breaking: test.v1.S/Do is no longer as safe to repeat: its idempotency_level is lower"],
    ],
    [
      "safer to repeat",
      {},
      method({ idempotency: "IDEMPOTENT" }),
      ["addition: test.v1.S/Do is safe to repeat: its idempotency_level is higher"],
    ],
  ])("%s", (_name, before, after, expected) => expect(compare(before, after)).toEqual(expected));
});

describe("who may call", () => {
  const no = (who: string) => [`breaking: test.v1.S/Do is no longer for ${who}`];
  const too = (who: string) => [`addition: test.v1.S/Do is for ${who} too`];
  test.each<[Record<string, unknown>, Record<string, unknown>, string[]]>([
    [{ public: true }, { signedIn: true }, no("everybody")],
    [{ signedIn: true }, { public: true }, too("everybody")],
    [{ signedIn: true }, { permission: "a:b" }, [...no("every signed-in user")]],
    [{ permission: "a:b" }, { signedIn: true }, too("every signed-in user")],
    [{ permission: "a:b" }, { permission: "a:c" }, [...no("who has a:b"), ...too("who has a:c")]],
    [{ services: ["x", "y"] }, { services: ["y"] }, no("x")],
    [{ services: ["x"] }, { services: ["*"] }, too("every service")],
    [{ services: ["*"] }, { services: ["x"] }, no("every service")],
    [{ services: ["gateway"] }, { services: ["*"] }, [...no("gateway"), ...too("every service")]],
    [
      { scope: "a:b" },
      { scope: "a:c" },
      [...no("services with the scope a:b"), ...too("services with the scope a:c")],
    ],
    [{ permission: "a:b", services: ["x"] }, { services: ["x"], permission: "a:b" }, []],
  ])("%j then %j", (before, after, expected) =>
    expect(compare(access(before), access(after))).toEqual(expected),
  );
});

describe("routes", () => {
  const get = (path: string, ...more: string[]) =>
    method({ http: { get: path, additionalBindings: more.map((it) => ({ get: it })) } });
  test.each<[string, Partial<TestFile>, Partial<TestFile>, string[]]>([
    ["one more", get("/a"), get("/a", "/b"), ["addition: test.v1.S/Do is GET /b too"]],
    ["one less", get("/a", "/b"), get("/b"), ["breaking: test.v1.S/Do is no longer GET /a"]],
    ["in other order", get("/a", "/b"), get("/b", "/a"), []],
    [
      "another field of the path",
      get("/{id}"),
      get("/{text}"),
      [
        "breaking: test.v1.S/Do as GET /{text} has variables [text], body none, response_body all, before variables [id], body none, response_body all",
      ],
    ],
    [
      "another body",
      method({ http: { post: "/a", body: "*" } }),
      method({ http: { post: "/a", body: "text" } }),
      [expect.stringContaining("body text, response_body all, before")],
    ],
  ])("%s", (_name, before, after, expected) => expect(compare(before, after)).toEqual(expected));
});

describe("fields, wherever they occur in calls", () => {
  test.each<[string, string[], string[], string[]]>([
    ["gone", ["a: string = 1", "b: string = 2"], ["a: string = 1"], ["breaking: test.v1.Inner.b is gone"]],
    ["new", ["a: string = 1"], ["a: string = 1", "b: string = 2"], ["addition: test.v1.Inner.b is new"]],
    [
      "renumbered",
      ["a: string = 1"],
      ["a: string = 2"],
      ["breaking: test.v1.Inner.a has number 2, before 1"],
    ],
    ["renamed", ["a: string = 1"], ["b: string = 1"], ["breaking: test.v1.Inner.a is called b, before a"]],
    [
      "swapped",
      ["a: string = 1", "b: string = 2"],
      ["b: string = 1", "a: string = 2"],
      [
        "breaking: test.v1.Inner.a is called b, before a",
        "breaking: test.v1.Inner.a has number 2, before 1",
        "breaking: test.v1.Inner.b is called a, before b",
        "breaking: test.v1.Inner.b has number 1, before 2",
      ],
    ],
    [
      "of another type",
      ["a: string = 1"],
      ["a: bytes = 1"],
      ["breaking: test.v1.Inner.a is of type BYTES, before STRING"],
    ],
    [
      "of another message",
      ["a: Other = 1"],
      ["a: Another = 1"],
      ["breaking: test.v1.Inner.a is of type test.v1.Another, before test.v1.Other"],
    ],
    [
      "of a message",
      ["a: string = 1"],
      ["a: Other = 1"],
      ["breaking: test.v1.Inner.a is of type test.v1.Other, before STRING"],
    ],
    [
      "of an enum",
      ["a: int32 = 1"],
      ["a: enum:E = 1"],
      ["breaking: test.v1.Inner.a is of type test.v1.E, before INT32"],
    ],
    [
      "repeated",
      ["a: string = 1"],
      ["repeated a: string = 1"],
      ["breaking: test.v1.Inner.a is repeated, before single"],
    ],
    [
      "a map of others",
      ["a: map:string = 1"],
      ["a: map:Other = 1"],
      ["breaking: test.v1.Inner.a is of type STRING to test.v1.Other, before STRING to STRING"],
    ],
    [
      "other in JSON",
      ["a: string = 1"],
      ["a: string = 1 json z"],
      ["breaking: test.v1.Inner.a is in JSON z, before a"],
    ],
    [
      "in a oneof",
      ["a: string = 1"],
      ["a: string = 1 oneof o"],
      ["breaking: test.v1.Inner.a is in oneof o, before no oneof"],
    ],
    [
      "in another oneof",
      ["a: string = 1 oneof o"],
      ["a: string = 1 oneof p"],
      ["breaking: test.v1.Inner.a is in oneof p, before oneof o"],
    ],
    ["of itself", ["a: Inner = 1"], ["a: Inner = 1"], []],
  ])("%s", (_name, before, after, expected) =>
    expect(compare(inner(...before), inner(...after))).toEqual(expected),
  );

  test("that no call can have are nobody's business", () => {
    const unused = (field: string) => ({ messages: { Unused: [field] } });
    expect(compare(unused("a: string = 1"), unused("b: int32 = 2"))).toEqual([]);
  });
});

describe("enum values", () => {
  const enums = (...values: string[]) => ({
    ...request("e: enum:E = 1"),
    enums: { E: ["E_NONE = 0", ...values] },
  });
  test.each<[string, string[], string[], string[]]>([
    ["gone", ["E_A = 1"], [], ["breaking: test.v1.E.E_A is gone"]],
    ["new", [], ["E_A = 1"], ["addition: test.v1.E.E_A is new"]],
    ["renumbered", ["E_A = 1"], ["E_A = 2"], ["breaking: test.v1.E.E_A has number 2, before 1"]],
    ["renamed", ["E_A = 1"], ["E_B = 1"], ["breaking: test.v1.E.E_A is called E_B"]],
  ])("%s", (_name, before, after, expected) =>
    expect(compare(enums(...before), enums(...after))).toEqual(expected),
  );
});

test("a contract that has little in common with the one before is told of in part", () => {
  const many = (from: number) =>
    request(...Array.from({ length: 300 }, (_, i) => `f${from + i}: string = ${from + i}`));
  const all = compare(many(1), many(1000));
  expect(all).toHaveLength(402);
  expect(all[200]).toBe("breaking: and 100 more");
});

test("a contract is compatible with itself", () => {
  expect(compareContracts({ contracts: [AuthService] }, { contracts: [AuthService] })).toEqual([]);
});
