import type { JsonObject } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import { TeamService } from "#gen/user/v1/team_pb.js";
import type { TestMethod } from "../contracts/testing/test-file.ts";
import { testServices } from "../contracts/testing/test-file.ts";
import { bindingsOf } from "./bindings-of.ts";
import { findConflicts } from "./conflicts.ts";

const messages = {
  Request: [
    "id: string = 1",
    "sub: Sub = 2",
    "repeated tags: string = 3",
    "labels: map:string = 4",
    "kind: enum:Kind = 5",
    "data: bytes = 6",
    "a: string = 7 oneof which",
    "b: string = 8 oneof which",
    "file: google.api.HttpBody = 9",
    "display_name: string = 10",
  ],
  Sub: [
    "name: string = 1",
    "deep: Sub = 2",
    "repeated many: Sub = 3",
    "x: string = 4 oneof which",
    "y: string = 5 oneof which",
  ],
  Answer: ["text: string = 1", "repeated items: Sub = 2"],
};
const of = (method: TestMethod, process: string | null = "test") => {
  const enums = { Kind: ["KIND_UNSPECIFIED = 0"] };
  const [contract] = testServices({ process, services: { TestService: { Do: method } }, messages, enums });
  return bindingsOf(contract!);
};
const brief = (http: JsonObject, more: TestMethod = {}) => {
  const { bindings, problems } = of({ http, ...more });
  return {
    bound: bindings.map(({ verb, template, variables, body, responseBody }) =>
      [
        verb,
        template.text,
        variables.map((it) => it.fields.map(({ name }) => name).join(".") + (it.multi ? "+" : "")).join(","),
        body === "*" ? "*" : (body?.name ?? "-"),
        responseBody?.name ?? "-",
      ].join(" "),
    ),
    problems,
  };
};

describe("rules become bindings", () => {
  test.each<[string, JsonObject, string[]]>([
    ["get", { get: "/v1/x" }, ["GET /v1/x  - -"]],
    ["put", { put: "/v1/{id}", body: "sub" }, ["PUT /v1/{id} id sub -"]],
    ["post", { post: "/v1/x", body: "*", responseBody: "items" }, ["POST /v1/x  * items"]],
    [
      "patch of a nested name",
      { patch: "/v1/{sub.name=x/*}", body: "sub" },
      ["PATCH /v1/{sub.name=x/*} sub.name+ sub -"],
    ],
    ["delete with a body", { delete: "/v1/{id}", body: "*" }, ["DELETE /v1/{id} id * -"]],
    ["custom", { custom: { kind: "SEARCH", path: "/v1/x" }, body: "*" }, ["SEARCH /v1/x  * -"]],
    ["any verb", { custom: { kind: "*", path: "/v1/x" } }, ["* /v1/x  - -"]],
    ["HEAD", { custom: { kind: "HEAD", path: "/v1/x" } }, ["HEAD /v1/x  - -"]],
    ["enum and bytes", { get: "/v1/{kind}/{data}" }, ["GET /v1/{kind}/{data} kind,data - -"]],
    ["deep", { get: "/v1/{sub.deep.deep.name}" }, ["GET /v1/{sub.deep.deep.name} sub.deep.deep.name - -"]],
    [
      "oneofs of different places",
      { get: "/{a}/{sub.x}/{sub.deep.y}" },
      ["GET /{a}/{sub.x}/{sub.deep.y} a,sub.x,sub.deep.y - -"],
    ],
    ["repeated body", { post: "/v1/x", body: "tags" }, ["POST /v1/x  tags -"]],
    [
      "additional bindings",
      { get: "/v1/{id}", additionalBindings: [{ post: "/v1/x", body: "*" }, { get: "/v2/{id}" }] },
      ["GET /v1/{id} id - -", "POST /v1/x  * -", "GET /v2/{id} id - -"],
    ],
  ])("%s", (_name, http, bound) => expect(brief(http)).toEqual({ bound, problems: [] }));

  test("a method without a rule has none", () => {
    expect(of({})).toEqual({ bindings: [], problems: [] });
  });

  test("each knows the service that serves it, and its method", () => {
    const [binding] = of({ http: { get: "/v1/x" } }, "order").bindings;
    expect(binding?.service).toBe("order");
    expect(binding?.method.name).toBe("Do");
    expect(of({ http: { get: "/v1/x" } }, null).bindings[0]?.service).toBe("");
  });

  test("the platform's own contracts have no problems and no conflicts", () => {
    const all = [TokenService, TeamService].map(bindingsOf);
    expect(all.flatMap((it) => it.problems)).toEqual([]);
    const bindings = all.flatMap((it) => it.bindings);
    expect(bindings.map((it) => `${it.verb} ${it.template.text}`)).toContain("GET /.well-known/jwks.json");
    expect(findConflicts(bindings)).toEqual([]);
  });
});

describe("a stream from the client", () => {
  test.each<[string, TestMethod, RegExp | undefined]>([
    ["comes in the body", { http: { post: "/x", body: "*" }, stream: "in" }, undefined],
    ["comes as an upload", { http: { post: "/x/{id}", body: "file" }, stream: "in" }, undefined],
    ["may be answered by one", { http: { post: "/x", body: "*" }, stream: "both" }, undefined],
    ["cannot come in a field", { http: { post: "/x", body: "sub" }, stream: "in" }, /takes a stream/],
    ["cannot come without a body", { http: { get: "/x" }, stream: "both" }, /takes a stream/],
    ["to the client needs none", { http: { get: "/x" }, stream: "out" }, undefined],
  ])("%s", (_name, method, problem) => {
    const { bindings, problems } = of(method);
    expect(problems).toEqual(problem ? [expect.stringMatching(problem)] : []);
    expect(bindings).toHaveLength(problem ? 0 : 1);
  });
});

describe("a rule that cannot be kept is a problem, with its method, and no binding", () => {
  test.each<[JsonObject, RegExp]>([
    [
      { get: "/v1/{nope}" },
      /^test.v1.TestService\/Do sets nope in \/v1\/\{nope\}, but test.v1.Request has no field "nope"/,
    ],
    [{ get: "/v1/{sub.nope}" }, /test.v1.Sub has no field "nope"/],
    [{ get: "/v1/{id.x}" }, /id has no fields/],
    [{ get: "/v1/{displayName}" }, /no field "displayName"/],
    [{ get: "/v1/{tags}" }, /repeated or a map/],
    [{ get: "/v1/{labels}" }, /repeated or a map/],
    [{ get: "/v1/{sub.many.name}" }, /repeated or a map/],
    [{ get: "/v1/{sub}" }, /sub is a message/],
    [{ get: "/v1/{a}/{b}" }, /both a and b of one oneof/],
    [{ get: "/v1/{sub.x}/{sub.y}" }, /both x and y of one oneof/],
    [{ get: "/v1/x", body: "*" }, /a body in GET/],
    [{ custom: { kind: "HEAD", path: "/v1/x" }, body: "*" }, /a body in HEAD/],
    [{ custom: { kind: "OPTIONS", path: "/v1/x" } }, /OPTIONS, which is not for services/],
    [{ custom: { kind: "TRACE", path: "/v1/x" } }, /not for services/],
    [{ custom: { kind: "", path: "/v1/x" } }, /which HTTP has not/],
    [{ custom: { kind: "get", path: "/v1/x" } }, /which HTTP has not/],
    [{ post: "/v1/x", body: "nope" }, /body "nope", which is no field/],
    [{ post: "/v1/x", body: "sub.name" }, /body "sub.name"/],
    [{ post: "/v1/{id}", body: "id" }, /by the path and by the body/],
    [{ post: "/v1/x", responseBody: "nope" }, /response_body "nope"/],
    [{ post: "/v1/x", responseBody: "items.name" }, /response_body/],
    [{ get: "/v1//x" }, /is refused: the path "\/v1\/\/x" has nothing where a segment should be/],
    [{ body: "*" }, /an http rule without a path/],
  ])("%j", (http, problem) => {
    const { bound, problems } = brief(http);
    expect(problems).toEqual([expect.stringMatching(problem)]);
    expect(bound).toEqual([]);
  });

  test("additional bindings go one level deep, and are bounded", () => {
    const nested = { get: "/a", additionalBindings: [{ get: "/b", additionalBindings: [{ get: "/c" }] }] };
    expect(brief(nested).problems).toEqual([expect.stringMatching(/one level deep/)]);
    const many = { get: "/a", additionalBindings: Array.from({ length: 32 }, (_, i) => ({ get: `/a${i}` })) };
    expect(brief(many)).toEqual({ bound: [], problems: [expect.stringMatching(/more than 32/)] });
  });
});

describe("bindings for the same requests are in conflict", () => {
  const bound = (...paths: string[]) =>
    paths.flatMap((it, i) => {
      const [verb = "", path = ""] = it.split(" ");
      const http = verb === "ANY" ? { custom: { kind: "*", path } } : { [verb.toLowerCase()]: path };
      const [contract] = testServices({
        process: `p${i}`,
        services: { [`S${i}`]: { Do: { http } } },
        messages,
        enums: { Kind: ["KIND_UNSPECIFIED = 0"] },
      });
      return bindingsOf(contract!).bindings;
    });
  test.each<[string, string, boolean]>([
    ["GET /v1/x", "GET /v1/x", true],
    ["GET /v1/{id}", "GET /v1/{data}", true],
    ["GET /v1/{id}", "GET /v1/*", true],
    ["GET /v1/{id=x/*}", "GET /v1/x/{data}", true],
    ["GET /v1/{id=**}", "GET /v1/**", true],
    ["GET /v1/x:a", "GET /v1/x:a", true],
    ["GET /v1/%78", "GET /v1/x", true],
    ["GET /v1/x", "PUT /v1/x", false],
    ["GET /v1/x", "ANY /v1/x", false],
    ["GET /v1/x", "GET /v1/{id}", false],
    ["GET /v1/x:a", "GET /v1/x:b", false],
    ["GET /v1/x:a", "GET /v1/x", false],
    ["GET /v1/{id}", "GET /v1/**", false],
    ["GET /v1/%2A", "GET /v1/*", false],
    ["GET /v1/a%2Fb", "GET /v1/a/b", false],
    ["GET /v1/x%3Aa", "GET /v1/x:a", false],
  ])("%s and %s: %s", (a, b, expected) => {
    const conflicts = findConflicts(bound(a, b));
    expect(conflicts).toHaveLength(expected ? 1 : 0);
    if (!expected) return;
    expect(conflicts[0]?.what).toContain("test.v1.S0/Do of p0");
    expect(conflicts[0]?.what).toContain("test.v1.S1/Do is bound to");
  });

  test("also within one method", () => {
    const { bindings } = of({ http: { get: "/a/{id}", additionalBindings: [{ get: "/a/*" }] } });
    expect(findConflicts(bindings).map((it) => it.what)).toEqual([
      "test.v1.TestService/Do is bound to GET /a/* twice",
    ]);
  });
});
