import type { JsonValue } from "@bufbuild/protobuf";
import type { ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import formatsPlugin from "ajv-formats";
import type { OpenApiDocument, Schema } from "../document.ts";

const duration = /^-?[0-9]{1,12}(\.[0-9]{1,9})?s$/;

/** An independent reader of JSON Schema 2020-12 that knows the components of a document. */
export function schemaReader(document: OpenApiDocument): (schema: Schema) => ValidateFunction {
  const ajv = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false, allErrors: true });
  formatsPlugin.default(ajv);
  ajv.addFormat("google-duration", duration);
  ajv.addFormat("google-fieldmask", /^[a-zA-Z0-9_.,]*$/);
  ajv.addFormat("uint32", { type: "number", validate: (it: number) => it >= 0 && it < 2 ** 32 });
  ajv.addFormat("uint64", (it: string) => BigInt(it) >= 0n && BigInt(it) < 2n ** 64n);
  ajv.addFormat("int64", (it: string) => BigInt.asIntN(64, BigInt(it)) === BigInt(it));
  ajv.addFormat("binary", true);
  for (const word of ["components", "x-sensitive", "x-item-schema", "example"]) ajv.addKeyword(word);
  ajv.addSchema({ $id: "doc:/", components: { schemas: document.components.schemas } });
  return (schema) => ajv.compile(rooted(schema) as Schema);
}

/** References of a part of the document, seen from outside of it. */
function rooted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(rooted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, it]) => [
      key,
      key === "$ref" && typeof it === "string" ? `doc:/${it}` : rooted(it),
    ]),
  );
}
