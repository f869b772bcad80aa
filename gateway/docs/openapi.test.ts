import type { JsonValue } from "@bufbuild/protobuf";
import { Validator } from "@seriousme/openapi-schema-validator";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { audienceOf } from "./access.ts";
import type { OpenApiDocument } from "./document.ts";
import { buildOpenApi, openApiOf } from "./openapi.ts";
import {
  bound,
  documentOf,
  operationOf,
  operations,
  realContracts,
  references,
  resolve,
  ruled,
} from "./testing/documents.ts";
import { field, message, richContract } from "./testing/rich-contract.ts";

const plain = (document: OpenApiDocument) => JSON.parse(JSON.stringify(document)) as Record<string, unknown>;
const documents = {
  "user and security": () => documentOf(bound(...realContracts)),
  "every kind of rule": () => documentOf(bound(ruled.contract)),
};
const get = { get: "/v1/things" };

describe.each(Object.entries(documents))("the document of %s", (_, make) => {
  test("is valid by an independent validator", async () => {
    const result = await new Validator().validate(plain(make()));
    expect(result.errors).toBeUndefined();
    expect(result.valid).toBe(true);
  });

  test("leads somewhere with every reference", () => {
    const document = make();
    const refs = references(document as unknown as JsonValue);
    expect(refs.length).toBeGreaterThan(20);
    expect(refs.filter((it) => resolve(document, it) === undefined)).toEqual([]);
  });

  test("is plain data, so that JSON loses nothing of it", () => {
    const document = make();
    expect(plain(document)).toEqual(document);
  });

  test("is the same when it is made piece by piece", async () => {
    let now = 0;
    const options = { bindings: bound(...realContracts, ruled.contract), title: "Test", version: "1" };
    expect(await buildOpenApi(options, () => now++)).toEqual(openApiOf(options));
  });
});

test("every binding that lets in users is an operation, and no other", () => {
  const bindings = bound(...realContracts, ruled.contract);
  const open = bindings.filter(({ method }) => audienceOf(method));
  expect(open.length).toBeLessThan(bindings.length);
  const shown = operations(documentOf(bindings));
  const name = (rpc: string, verb: string) => `${rpc} ${verb.toLowerCase()}`;
  expect(shown.map(({ operation, verb }) => name(String(operation["x-rpc"]), verb)).sort()).toEqual(
    open.map(({ method, verb }) => name(`${method.parent.typeName}/${method.name}`, verb)).sort(),
  );
});

test("operation ids are unique, and named for service and method", () => {
  const ids = operations(documentOf(bound(...realContracts))).map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toContain("UserService_UpdateProfile");
  expect(ids).toContain("UserService_UpdateProfile_2");
});

test("the order in which contracts arrive changes nothing", () => {
  const contracts = [...realContracts, ruled.contract];
  const expected = JSON.stringify(documentOf(bound(...contracts)));
  fc.assert(
    fc.property(fc.shuffledSubarray(contracts, { minLength: contracts.length }), (shuffled) => {
      expect(JSON.stringify(documentOf(bound(...shuffled)))).toBe(expected);
    }),
    { numRuns: 10 },
  );
});

test("services of one name in two packages keep apart", () => {
  const methods = [{ name: "Get", http: get }];
  const one = richContract({ package: "a.v1", methods }).contract;
  const other = richContract({
    package: "b.v1",
    methods: [{ name: "Get", http: { get: "/v1/others" } }],
  }).contract;
  const ids = operations(documentOf(bound(other, one))).map(({ operation }) => operation.operationId);
  expect(ids).toEqual(["RichService_Get", "b_v1_RichService_Get"]);
});

test("copies of a type that two services were built with differ only if they do", () => {
  const made = (path: string, extra: boolean) => {
    const fields = [field("id", 1, "STRING"), ...(extra ? [field("more", 2, "STRING")] : [])];
    return richContract({
      messages: [message("Thing", fields)],
      methods: [{ name: "Get", http: { get: path } }],
    }).contract;
  };
  const names = (second: boolean) =>
    Object.keys(documentOf(bound(made("/v1/a", false), made("/v1/b", second))).components.schemas);
  expect(names(false).filter((it) => it.startsWith("rich"))).toEqual(["rich.v1.Thing"]);
  expect(names(true).filter((it) => it.startsWith("rich"))).toEqual(["rich.v1.Thing", "rich.v1.Thing_2"]);
});

describe("who may call", () => {
  const policy = (access: Record<string, string | boolean | string[]>) => ({
    name: "Do",
    http: get,
    policy: { access },
  });

  test("a public method needs no token", () => {
    expect(operationOf(policy({ public: true })).operation.security).toEqual([]);
  });
  test("a method for signed-in users needs one", () => {
    const { operation } = operationOf(policy({ signedIn: true }));
    expect(operation.security).toEqual([{ bearer: [] }]);
    expect(operation["x-permission"]).toBeUndefined();
    expect(Object.keys(operation.responses)).toContain("403");
  });
  test("a permission is stated for people and programs", () => {
    const { operation } = operationOf(policy({ permission: "user:read", scope: "user:read" }));
    expect(operation.security).toEqual([{ bearer: [] }]);
    expect(operation["x-permission"]).toBe("user:read");
    expect(operation.description).toContain("`user:read`");
  });
  test("a method for services alone is not told of", () => {
    const { contract } = richContract({ methods: [policy({ services: ["*"] })] });
    const document = documentOf(bound(contract));
    expect(document.paths).toEqual({});
    expect(document.tags).toEqual([]);
    expect(JSON.stringify(document)).not.toContain("rich.v1");
  });
});

test("the policies of a contract are stated", () => {
  const { operation } = operationOf({
    name: "Find",
    http: get,
    idempotency: "NO_SIDE_EFFECTS",
    deprecated: true,
    policy: {
      access: { public: true },
      timeout: "1.5s",
      rateLimit: { requests: 10, window: "60s" },
      cache: { maxAge: "30s", staleIfError: "300s", invalidatedBy: ["thing.updated"] },
    },
  });
  expect(operation).toMatchObject({
    deprecated: true,
    "x-deadline-ms": 1500,
    "x-idempotency": "no_side_effects",
    "x-rate-limit": { requests: 10, windowMs: 60_000 },
    "x-cache": { maxAgeMs: 30_000, staleIfErrorMs: 300_000, invalidatedBy: ["thing.updated"] },
  });
  expect(operation.description).toMatch(/1\.5 s.*10 calls in 60 s.*30 s old, or until `thing\.updated`/);
});

test("comments come from source info, where a contract has it", () => {
  const comments = {
    "6.0": " Things and more.\n",
    "6.0.2.0": " Finds things. All of them.\n",
    "4.0": " A thing.",
    "4.0.2.0": " Its id.",
  };
  const { operation, document } = operationOf({ name: "Find", http: get }, { comments });
  expect(document.tags).toEqual([
    { name: "rich.v1.RichService", description: "Things and more.", "x-service": "rich" },
  ]);
  expect(operation.summary).toBe("Finds things");
  expect(operation.description).toContain("Finds things. All of them.");
  expect(document.components.schemas["rich.v1.Thing"]).toMatchObject({
    description: "A thing.",
    properties: { id: { description: "Its id." } },
  });
});

test("what is more than a document may hold is counted, not shown", () => {
  const bindings = bound(...realContracts);
  const document = openApiOf({ bindings, title: "Test", version: "1", mostBindings: 4 });
  expect(operations(document)).toHaveLength(4);
  expect(document["x-left-out"]).toBe(operations(documentOf(bindings)).length - 4);
});
