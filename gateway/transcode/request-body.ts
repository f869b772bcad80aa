import type { DescField, JsonValue, Registry } from "@bufbuild/protobuf";
import { fail } from "#mesh/errors.ts";
import type { Binding } from "../routing/binding.ts";
import { httpBodyField, isHttpBody, writeHttpBody } from "./http-body.ts";
import type { BoundPath } from "./input-plan.ts";
import { planOf } from "./input-plan.ts";
import type { JsonReader, WrittenCaptures } from "./json-reader.ts";
import { kindOf, MESSAGE } from "./kinds.ts";
import { ofJson, refusal, utf8Body } from "./refusal.ts";
import { presentPaths, updateMaskOf, writeMask } from "./update-mask.ts";
import type { WireOutput } from "./wire-output.ts";

/** Writes a body that is not empty. `masked`: the query has given the mask of a change. */
export type WriteBody = (
  body: Uint8Array,
  contentType: string,
  captures: WrittenCaptures,
  masked: boolean,
) => void;

/** Makes the writer of a request's body, whatever the binding makes of it; the reader has the same output. */
export function compileBody(
  binding: Binding,
  registry: Registry,
  out: WireOutput,
  reader: JsonReader,
): WriteBody {
  const { body, method, verb } = binding;
  if (body === undefined) {
    return () => {
      throw refusal("body_not_allowed", "body", "", `${verb} takes no body here; send it without one`);
    };
  }
  if (body === "*") return isHttpBody(method.input) ? rawBody(out) : wholeBody(binding, registry, reader);
  return httpBodyField(body) ? rawField(body, out) : fieldBody(binding, body, registry, out, reader);
}

function rawBody(out: WireOutput): WriteBody {
  return (body, contentType) => writeHttpBody(out, contentType, body);
}

function rawField(field: DescField, out: WireOutput): WriteBody {
  return (body, contentType) => {
    out.reserve(16);
    out.varint(((field.number << 3) | 2) >>> 0);
    const start = out.open();
    writeHttpBody(out, contentType, body);
    out.close(start);
  };
}

const boundPaths = (binding: Binding): BoundPath[] =>
  binding.variables.map(({ fields }, capture) => ({ fields, capture }));

function wholeBody(binding: Binding, registry: Registry, reader: JsonReader): WriteBody {
  const plan = planOf(binding.method.input, boundPaths(binding));
  return (body, contentType, captures) => {
    assertJson(contentType);
    const source = utf8Body(body);
    try {
      reader.readMessage(source, plan, registry, captures);
    } catch (error) {
      throw ofJson(error, source);
    }
  };
}

function fieldBody(
  binding: Binding,
  body: DescField,
  registry: Registry,
  out: WireOutput,
  reader: JsonReader,
): WriteBody {
  const { method, verb, variables } = binding;
  const field = planOf(method.input, boundPaths(binding)).field(body.name);
  if (field === undefined) throw new Error(`${method.input.typeName} has no field ${body.name}`);
  const opened = body.fieldKind === "message" && kindOf(body) === MESSAGE ? body.message : undefined;
  const mask = verb === "PATCH" && opened ? updateMaskOf(method.input) : undefined;
  const inBody = variables.filter(({ fields }) => fields[0]?.name === body.name && fields.length > 1);
  const bound = new Set(
    inBody.map(({ fields }) =>
      fields
        .slice(1)
        .map(({ name }) => name)
        .join("."),
    ),
  );
  return (bytes, contentType, captures, masked) => {
    assertJson(contentType);
    const source = utf8Body(bytes);
    try {
      reader.readField(source, field, registry, captures);
    } catch (error) {
      throw ofJson(error, source);
    }
    if (mask === undefined || opened === undefined || masked) return;
    const json: JsonValue = JSON.parse(source.toString("utf8"));
    if (json !== null) writeMask(out, mask, presentPaths(json, opened, bound));
  };
}

const usual = "application/json";
const json = /^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i;

function assertJson(contentType: string): void {
  if (contentType === usual || json.test(contentType)) return;
  const got = contentType === "" ? "no content type" : contentType.slice(0, 80);
  throw fail.invalid("unsupported_media_type", `expected a body of type ${usual} in UTF-8, got ${got}`, {
    remedy: `send the body as JSON with Content-Type: ${usual}`,
  });
}
