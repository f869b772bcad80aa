import { describe, expect, test } from "vitest";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import { AuthService } from "#gen/user/v1/auth_pb.js";
import { describeContracts, readContracts } from "#mesh/discovery/contracts.ts";
import { parseTemplate } from "../routing/parse-template.ts";
import { readContract } from "./read-contract.ts";
import { reservedProblem } from "./reserved-paths.ts";
import type { TestFile, TestMethod } from "./testing/test-file.ts";
import { testRegistry } from "./testing/test-file.ts";

const read = (method: TestMethod, file: Partial<TestFile> = {}) =>
  readContract("test", "0".repeat(64), testRegistry({ services: { S: { Do: method } }, ...file }));

test("what a service announces is its contracts with their bindings, and not those of others", () => {
  const { hash, bytes } = describeContracts([AuthService, TokenService]);
  const { contract } = readContract("security", hash, readContracts(hash, bytes));
  expect(contract?.contracts.map((it) => it.typeName)).toEqual(["security.v1.TokenService"]);
  const bound = contract?.bindings.map(({ template, service }) => `${service} ${template.text}`);
  expect(bound).toContain("security /.well-known/jwks.json");
  expect(bound?.every((it) => it.startsWith("security "))).toBe(true);
});

describe("a contract is refused as a whole when", () => {
  test.each<[string, TestMethod, Partial<TestFile>, RegExp]>([
    ["it names another service", {}, { process: "other" }, /none of its contracts names test/],
    ["it names none", {}, { process: null }, /none of its contracts names test/],
    ["a method has no access rule", { options: null }, {}, /Do has no access rule/],
    ["a rule lets nobody in", { options: { access: {} } }, {}, /lets nobody in/],
    ["a binding is malformed", { http: { get: "/v1/{nope}" } }, {}, /no field "nope"/],
    [
      "it is in conflict with itself",
      { http: { get: "/a/{id}", additionalBindings: [{ get: "/a/*" }] } },
      {},
      /twice/,
    ],
    ["it wants a path of the gateway", { http: { get: "/health/{id}" } }, {}, /under \/health/],
  ])("%s", (_name, method, file, problem) => {
    const { contract, problems } = read(method, file);
    expect(contract).toBeUndefined();
    expect(problems?.join("\n")).toMatch(problem);
  });

  test("and all its problems are told, up to twenty", () => {
    const http = { get: "/v1/{nope}" };
    const two = read({}, { services: { S: { A: { http, options: null }, B: { http } } } });
    expect(two.problems).toHaveLength(3);
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`M${i}`, { http }]));
    const { problems } = read({}, { services: { S: many } });
    expect(problems).toHaveLength(21);
    expect(problems?.at(-1)).toBe("and 30 more");
  });
});

test.each<[string, boolean]>([
  ["/health", true],
  ["/health/live", true],
  ["/%68ealth", true],
  ["/health:check", true],
  ["/{id=health/*}", true],
  ["/healthy", false],
  ["/v1/health", false],
  ["/metrics", true],
  ["/gateway/status", true],
  ["/openapi.json", true],
  ["/api/docs/x", true],
  ["/api/v1/docs", false],
  ["/{any}", false],
  ["/**", false],
  ["/.well-known/jwks.json", false],
  ["/order.v1.OrderService/CreateOrder", true],
  ["/order.v1.OrderService/{id}", true],
  ["/order.v1.OrderService/x/y", false],
])("%s is the gateway's own: %s", (path, expected) => {
  expect(reservedProblem(parseTemplate(path)) !== undefined).toBe(expected);
});
