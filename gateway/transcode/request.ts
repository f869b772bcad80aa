import type { Registry } from "@bufbuild/protobuf";
import type { Binding } from "../routing/binding.ts";
import { compileCaptures } from "./captures.ts";
import { JsonReader } from "./json-reader.ts";
import { writeQuery } from "./query.ts";
import { QueryNames } from "./query-names.ts";
import { refusal } from "./refusal.ts";
import { compileBody } from "./request-body.ts";
import { WireOutput } from "./wire-output.ts";

/** What a request by HTTP says, of which its message is made. */
export interface RequestParts {
  /** Decoded values of the template's variables, in their order. */
  readonly captures: readonly string[];
  /** As it stands behind the question mark; empty for none. */
  readonly query: string;
  /** As received, decompressed. */
  readonly body: Uint8Array | undefined;
  /** Of the body. */
  readonly contentType: string;
}

const out = new WireOutput();
const reader = new JsonReader(out);

/**
 * Makes the writer of a method's request. What path, query and body say is
 * written one behind the other, and protobuf merges it where it is read. What
 * they say differently of the same thing is refused here.
 */
export function compileRequest(
  binding: Binding,
  registry: Registry,
): (parts: RequestParts) => Uint8Array<ArrayBuffer> {
  const { body: bodyField } = binding;
  const names = new QueryNames(binding);
  const writeCaptures = compileCaptures(binding);
  const writeBody = compileBody(binding, registry, out, reader);
  let request = 0;

  return ({ captures, query, body, contentType }) => {
    const hasBody = body !== undefined && body.length > 0;
    out.reset();
    const written = writeCaptures(out, captures);
    let masked = false;
    if (query !== "") {
      if (bodyField === "*") throw notInQuery(query);
      request += 1;
      names.bound();
      for (const { fields } of binding.variables) names.decide(fields, request);
      if (hasBody && bodyField !== undefined) names.decide([bodyField], request);
      writeQuery(out, query, names, request, written);
      masked = names.given("update_mask", request);
    }
    if (hasBody) writeBody(body, contentType, written, masked);
    return out.taken();
  };
}

function notInQuery(query: string): Error {
  const name = query.split(/[&=]/, 1)[0] ?? "";
  const why = "is not taken here; everything that the path does not say is in the body";
  return refusal("unknown_field", "query", name.slice(0, 200), why);
}
