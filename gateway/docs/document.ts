import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

/** JSON Schema 2020-12, as OpenAPI 3.1 has it. */
export type Schema = JsonObject;

export type Parameter = {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  description?: string;
  deprecated?: boolean;
  style?: string;
  explode?: boolean;
  schema: Schema;
  example?: JsonValue;
  /** A path parameter that may hold slashes, which OpenAPI has no word for. */
  "x-multi-segment"?: true;
};

export type Reference = { $ref: string };

export type Operation = {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  deprecated?: boolean;
  parameters?: (Parameter | Reference)[];
  requestBody?: JsonObject;
  responses: JsonObject;
  security: JsonObject[];
  [extension: `x-${string}`]: JsonValue;
};

/** Verbs that OpenAPI 3.1 has a word for. */
export type KnownVerb = "get" | "put" | "post" | "delete" | "options" | "head" | "patch" | "trace";

export type PathItem = { [verb in KnownVerb]?: Operation } & {
  /** Operations of other verbs, named as OpenAPI 3.2 does; `*` is any verb. */
  "x-additional-operations"?: Record<string, Operation>;
};

/** An OpenAPI 3.1 document: plain data, ready for `JSON.stringify`. */
export type OpenApiDocument = {
  openapi: "3.1.0";
  info: { title: string; version: string; description: string };
  servers: { url: string }[];
  tags: { name: string; description?: string; "x-service": string }[];
  paths: Record<string, PathItem>;
  components: {
    schemas: Record<string, Schema>;
    responses: JsonObject;
    parameters: JsonObject;
    headers: JsonObject;
    securitySchemes: JsonObject;
  };
  /** How many bindings were too many to be shown, if any. */
  "x-left-out"?: number;
};

/** A name as a JSON pointer within a URI fragment has it. */
export const refTo = (kind: keyof OpenApiDocument["components"], name: string): Reference => ({
  $ref: `#/components/${kind}/${name}`,
});
