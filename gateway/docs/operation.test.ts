import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import type { Parameter } from "./document.ts";
import { bound, documentOf, operationOf, operations } from "./testing/documents.ts";
import type { RichMethod } from "./testing/rich-contract.ts";
import { field, many, map, message, richContract } from "./testing/rich-contract.ts";

const text = { string: { minLen: "1" } };
const [labels, labelsEntry] = map("Request", "labels", 20, ["STRING", field("value", 2, "STRING")]);
const messages = [
  message(
    "Request",
    [
      field("name", 1, "STRING", { string: { uuid: true } }),
      field("book", 2, ".rich.v1.Book"),
      field("tags", 3, "STRING", undefined, many),
      field("mood", 4, "ENUM", undefined, { typeName: ".rich.v1.Mood" }),
      field("since", 5, ".google.protobuf.Timestamp"),
      field("mask", 6, ".google.protobuf.FieldMask"),
      field("pause", 7, ".google.protobuf.Duration"),
      field("limit", 8, ".google.protobuf.Int32Value"),
      field("books", 9, ".rich.v1.Book", undefined, many),
      field("data", 10, ".google.protobuf.Struct"),
      field("must", 11, "STRING", text),
      field("file", 12, ".google.api.HttpBody"),
      field("tree", 13, ".rich.v1.Tree"),
      labels,
    ],
    { nestedType: [labelsEntry] },
  ),
  message("Book", [
    field("id", 1, "STRING", text),
    field("title", 2, "STRING", text),
    field("author", 3, ".rich.v1.Author"),
  ]),
  message("Author", [field("name", 1, "STRING")]),
  message("Tree", [field("label", 1, "STRING"), field("left", 2, ".rich.v1.Tree")]),
  message(
    "Wide",
    Array.from({ length: 150 }, (_, index) => field(`f${index}`, index + 1, "STRING")),
  ),
];
const enums = [
  {
    name: "Mood",
    value: [
      { name: "MOOD_UNSPECIFIED", number: 0 },
      { name: "MOOD_GOOD", number: 1 },
    ],
  },
];
const made = (method: Partial<RichMethod>) => operationOf({ name: "Do", ...method }, { messages, enums });
const parameters = (method: Partial<RichMethod>, place: string) =>
  (made(method).operation.parameters ?? []).filter((it): it is Parameter => "in" in it && it.in === place);

describe("a path", () => {
  test.each([
    ["/v1/things/{name}", "/v1/things/{name}", ["name"]],
    ["/v1/things/{name}:publish", "/v1/things/{name}:publish", ["name"]],
    ["/v1/{book.id}/{name}", "/v1/{book.id}/{name}", ["book.id", "name"]],
    ["/v1/{name=shelves/*}", "/v1/shelves/{name}", ["name"]],
    ["/v1/{name=shelves/*/books/*}", "/v1/shelves/{name_1}/books/{name_2}", ["name_1", "name_2"]],
    ["/v1/{name=files/**}", "/v1/files/{name}", ["name"]],
    ["/v1/*/x/**", "/v1/{segment}/x/{rest}", ["segment", "rest"]],
    ["/v1/{name}/*", "/v1/{name}/{segment}", ["name", "segment"]],
  ])("%s is %s", (template, path, names) => {
    const http = { get: template };
    expect(made({ http }).path).toBe(path);
    const found = parameters({ http }, "path");
    expect(found.map(({ name }) => name)).toEqual(names);
    expect(found.every(({ required }) => required)).toBe(true);
  });

  test("has the rules of its fields, and says what may hold slashes", () => {
    expect(parameters({ http: { get: "/v1/{name}" } }, "path")[0]).toMatchObject({
      schema: { type: "string", format: "uuid" },
    });
    expect(parameters({ http: { get: "/v1/{name=a/**}" } }, "path")[0]).toMatchObject({
      "x-multi-segment": true,
      description: expect.stringMatching(/`a\/\*\*`.*slashes/),
    });
  });

  test("that differs only in names is one, by the first names", () => {
    const { contract } = richContract({
      messages,
      enums,
      methods: [
        { name: "Get", http: { get: "/v1/things/{name}" } },
        { name: "Delete", http: { delete: "/v1/things/{book.id}" } },
        { name: "Rest", http: { get: "/v1/things/{name=**}" } },
        { name: "Other", http: { custom: { kind: "PROPFIND", path: "/v1/things/{name}" } } },
      ],
    });
    const document = documentOf(bound(contract));
    expect(Object.keys(document.paths)).toEqual(["/v1/things/{name}", "/v1/things/{name}#RichService_Rest"]);
    const item = document.paths["/v1/things/{name}"];
    expect(item?.delete?.parameters?.[0]).toMatchObject({
      name: "name",
      description: expect.stringContaining("`book.id`"),
    });
    expect(item?.["x-additional-operations"]?.PROPFIND?.operationId).toBe("RichService_Other");
    expect(operations(document)).toHaveLength(4);
  });
});

describe("a query", () => {
  const query = (http: JsonObject) => parameters({ http }, "query");

  test("has a parameter for each leaf that is not in the path or the body", () => {
    expect(query({ get: "/v1/{name}" }).map(({ name }) => name)).toEqual([
      "book.id",
      "book.title",
      "book.author.name",
      "tags",
      "mood",
      "since",
      "mask",
      "pause",
      "limit",
      "must",
      "file.content_type",
      "file.data",
      "tree.label",
    ]);
    expect(query({ put: "/v1/{name}", body: "book" }).some(({ name }) => name.startsWith("book"))).toBe(
      false,
    );
    expect(query({ put: "/v1/{name}", body: "*" })).toEqual([]);
  });

  test("has lists exploded, enums by name, and times as texts", () => {
    const byName = new Map(query({ get: "/v1/{name}" }).map((it) => [it.name, it]));
    expect(byName.get("tags")).toMatchObject({
      style: "form",
      explode: true,
      schema: { type: "array", items: { type: "string" } },
    });
    expect(byName.get("mood")?.schema).toEqual({ $ref: "#/components/schemas/rich.v1.Mood" });
    expect(byName.get("since")?.schema).toEqual({ type: "string", format: "date-time" });
    expect(byName.get("pause")?.schema.format).toBe("google-duration");
    expect(byName.get("mask")?.schema.format).toBe("google-fieldmask");
    expect(byName.get("limit")?.schema.type).toEqual(["integer", "null"]);
  });

  test("requires what the rules require, but not within what may be absent", () => {
    expect(
      query({ get: "/v1/{name}" })
        .filter(({ required }) => required)
        .map(({ name }) => name),
    ).toEqual(["must"]);
  });

  test("ends, and says so, where a message is wide or contains itself", () => {
    const { operation } = made({ http: { get: "/v1/wide" }, input: "Wide" });
    expect(operation.parameters).toHaveLength(100);
    expect(operation.description).toContain("Not all parameters are shown");
    expect(made({ http: { get: "/v1/x" } }).operation.description).toContain("Not all parameters are shown");
  });
});

describe("a body", () => {
  const body = (method: Partial<RichMethod>) => made(method).operation.requestBody as JsonObject | undefined;

  test("is the request without what the path sets", () => {
    const { operation, document } = made({ http: { post: "/v1/{name}/{book.id}", body: "*" } });
    const ref = "rich.v1.Request.without-name.without-book.id";
    expect(operation.requestBody).toEqual({
      required: true,
      content: { "application/json": { schema: { $ref: `#/components/schemas/${ref}` } } },
    });
    const schema = document.components.schemas[ref] as {
      properties: Record<string, JsonObject>;
      required: string[];
    };
    expect(schema.properties.name).toBeUndefined();
    expect(schema.properties.book?.$ref).toBe("#/components/schemas/rich.v1.Book.without-id");
    expect(schema.required).toEqual(["must"]);
  });

  test("is one field, where the rule names one", () => {
    expect(body({ http: { patch: "/v1/{book.id}", body: "book" } })?.content).toEqual({
      "application/json": { schema: { $ref: "#/components/schemas/rich.v1.Book.without-id" } },
    });
    expect(body({ http: { put: "/v1/tags", body: "tags" } })?.content).toEqual({
      "application/json": { schema: { type: "array", items: { type: "string" } } },
    });
    expect(body({ http: { get: "/v1/tags" } })).toBeUndefined();
  });

  test("is anything at all for an HttpBody, and lines for a stream", () => {
    const any = { "*/*": { schema: { type: "string", format: "binary" } } };
    expect(body({ http: { post: "/v1/files", body: "*" }, input: ".google.api.HttpBody" })?.content).toEqual(
      any,
    );
    expect(body({ http: { post: "/v1/files", body: "file" }, streams: "in" })?.content).toEqual(any);
    expect(
      Object.keys(body({ http: { post: "/v1/x", body: "*" }, streams: "in" })?.content as JsonObject),
    ).toEqual(["application/x-ndjson"]);
  });
});

describe("an answer", () => {
  const answer = (method: Partial<RichMethod>, status = "200") =>
    (made({ http: { get: "/v1/x" }, ...method }).operation.responses as Record<string, JsonObject>)[status];
  const schemaIn = (it: JsonValue | undefined) =>
    ((it as JsonObject)["application/json"] as { schema: JsonObject }).schema;

  test("has its data in the envelope, with the status of its contract", () => {
    const policy = { access: { public: true }, successStatus: 201 };
    expect(schemaIn(answer({ policy, output: "Book" }, "201")?.content)).toEqual({
      allOf: [
        { $ref: "#/components/schemas/Answer" },
        {
          properties: {
            data: { $ref: "#/components/schemas/rich.v1.Book.unchecked" },
            statusCode: { const: 201 },
          },
        },
      ],
    });
  });

  test("is one field, where the rule names one", () => {
    const http = { get: "/v1/x", responseBody: "tags" };
    expect(schemaIn(answer({ http })?.content)).toMatchObject({
      allOf: [{}, { properties: { data: { type: "array", items: { type: "string" } } } }],
    });
  });

  test("is a stream of events or lines, or raw", () => {
    expect(Object.keys(answer({ streams: "out" })?.content as JsonObject)).toEqual([
      "text/event-stream",
      "application/x-ndjson",
    ]);
    expect(Object.keys(answer({ output: ".google.api.HttpBody" })?.content as JsonObject)).toEqual(["*/*"]);
  });

  test("has no content where HTTP allows none", () => {
    const policy = { access: { public: true }, successStatus: 204 };
    expect(answer({ policy }, "204")).not.toHaveProperty("content");
  });
});

describe("failures", () => {
  const statuses = (method: Partial<RichMethod>) =>
    Object.keys(made(method).operation.responses)
      .map(Number)
      .filter((it) => it >= 400);
  const always = [400, 401, 429, 500, 502, 503, 504];

  test("are those that fit the method", () => {
    const idempotency = "NO_SIDE_EFFECTS";
    expect(statuses({ http: { get: "/v1/x" }, idempotency, input: "Author" })).toEqual(always);
    expect(
      statuses({ http: { get: "/v1/{name}" }, idempotency, policy: { access: { signedIn: true } } }),
    ).toEqual([...always, 403, 404, 422].sort());
    expect(statuses({ http: { post: "/v1/x", body: "*" } })).toEqual(
      [...always, 404, 409, 413, 415, 422].sort(),
    );
  });

  test("have the error envelope, and say when to come again", () => {
    const { responses, headers } = made({ http: { get: "/v1/x" } }).document.components;
    expect(responses.TooManyRequests).toMatchObject({
      headers: { "Retry-After": {}, RateLimit: {}, "RateLimit-Policy": {} },
      content: {
        "application/json": {
          schema: { $ref: "#/components/schemas/Failure" },
          example: { statusCode: 429 },
        },
      },
    });
    expect(responses.Unavailable).toMatchObject({ headers: { "Retry-After": {} } });
    expect(Object.keys(headers)).toContain("X-Request-ID");
  });
});

test("a POST or PATCH that may not be repeated takes an Idempotency-Key", () => {
  const key = { $ref: "#/components/parameters/Idempotency-Key" };
  const of = (http: JsonObject, more: Partial<RichMethod> = {}) =>
    made({ http, ...more }).operation.parameters ?? [];
  expect(of({ post: "/v1/x", body: "*" })).toContainEqual(key);
  expect(of({ patch: "/v1/x", body: "*" })).toContainEqual(key);
  expect(of({ put: "/v1/x", body: "*" })).not.toContainEqual(key);
  expect(of({ post: "/v1/x", body: "*" }, { idempotency: "IDEMPOTENT" })).not.toContainEqual(key);
});
