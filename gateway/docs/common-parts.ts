import type { JsonObject } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { codeName } from "#mesh/errors.ts";
import { bearer } from "./access.ts";
import { envelope } from "./answers.ts";
import type { OpenApiDocument, Schema } from "./document.ts";
import { refTo } from "./document.ts";
import { failures, headersOf } from "./failures.ts";

type Components = OpenApiDocument["components"];

const requestId: Schema = { type: "string", description: "As in the header `X-Request-ID`." };
const timestamp: Schema = { type: "string", format: "date-time" };
const aRequestId = "0190163d-8694-739b-aea5-966c26f8ad91";
const aMoment = "2026-01-15T09:30:00Z";

const codes = Object.values(Code)
  .filter((it) => typeof it === "number")
  .map(codeName);

/** The schemas that are of the gateway and not of any contract. */
export const ownSchemas: Readonly<Record<string, Schema>> = {
  [envelope]: {
    type: "object",
    description: "What every successful answer in JSON is wrapped in.",
    required: ["success", "data", "statusCode", "requestId", "timestamp"],
    properties: {
      success: { const: true },
      data: { description: "What the method answers." },
      statusCode: { type: "integer" },
      requestId,
      timestamp,
    },
  },
  Failure: {
    type: "object",
    description: "What every failed call is answered with.",
    required: ["success", "error", "statusCode", "code", "details", "requestId", "timestamp"],
    properties: {
      success: { const: false },
      error: { type: "string", description: "What is the matter, for people; it may be put otherwise." },
      statusCode: { type: "integer" },
      code: { type: "string", enum: codes, description: "For programs." },
      details: { type: "array", items: refTo("schemas", "FailureDetail") },
      requestId,
      timestamp,
    },
  },
  FailureDetail: {
    type: "object",
    description: "A fact about a failure. For a broken rule: the field, the rule and what it asks for.",
    properties: {
      field: { type: "string", description: "The path of the field, such as `items[2].quantity`." },
      rule: { type: "string", description: "The rule, such as `string.min_len`." },
      message: { type: "string" },
    },
    additionalProperties: true,
  },
};

const responses: JsonObject = Object.fromEntries(
  failures.map((failure) => {
    const { status, name, code, description, headers } = failure;
    const details: JsonObject[] =
      status === 422
        ? [{ field: "email", rule: "string.email", message: "must be a valid email address" }]
        : [];
    const example: JsonObject = {
      success: false,
      error: description,
      statusCode: status,
      code,
      details,
      requestId: aRequestId,
      timestamp: aMoment,
    };
    const content = { "application/json": { schema: refTo("schemas", "Failure"), example } };
    return [name, { description, ...(headers && { headers: headersOf(headers) }), content }];
  }),
);

const text = (description: string, example: string): JsonObject => ({
  description,
  schema: { type: "string" },
  example,
});

const headers: JsonObject = {
  "X-Request-ID": text("The id of this call: the caller's, or one of ours.", aRequestId),
  "X-Correlation-ID": text("The id of all that belongs together: the caller's, or one of ours.", aRequestId),
  RateLimit: text(
    "What is left of the limits, and for how long (draft-ietf-httpapi-ratelimit-headers).",
    '"second";r=9;t=1, "minute";r=994;t=58',
  ),
  "RateLimit-Policy": text(
    "The limits that hold for the caller (draft-ietf-httpapi-ratelimit-headers).",
    '"second";q=10;w=1, "minute";q=1000;w=60',
  ),
  "Retry-After": {
    description: "Seconds after which another try is of use.",
    schema: { type: "integer" },
    example: 1,
  },
};

const parameters: JsonObject = {
  "Idempotency-Key": {
    name: "Idempotency-Key",
    in: "header",
    description:
      "Any text that is not used for another request. A repeated call with the same key has no second effect and gets the first answer; 409 while the first is in flight, 422 for another payload.",
    schema: { type: "string", minLength: 1, maxLength: 255 },
  },
};

/** What all operations refer to. */
export const commonParts = (schemas: Components["schemas"]): Components => ({
  schemas: { ...ownSchemas, ...schemas },
  responses,
  parameters,
  headers,
  securitySchemes: {
    [bearer]: {
      type: "http",
      scheme: "bearer",
      bearerFormat: "JWT",
      description: "The `access_token` of a session, which signing in gives.",
    },
  },
});
