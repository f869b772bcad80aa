import { isUtf8 } from "node:buffer";
import { expectation } from "./expectation.ts";
import type { WrittenCaptures } from "./json-reader.ts";
import { WRAPPER } from "./kinds.ts";
import { writeLeaf } from "./leaf.ts";
import { decodePercent } from "./percent.ts";
import type { QueryLeaf, QueryNames } from "./query-names.ts";
import { refusal } from "./refusal.ts";
import { quoted } from "./refused.ts";
import type { WireOutput } from "./wire-output.ts";

/** Most parameters of one request. */
const mostParameters = 1000;

const ampersand = 38;
const equals = 61;

let scratch = Buffer.allocUnsafeSlow(4096);

/** Writes the parameters of a query in their order. Fields given twice are told by the number of the request. */
export function writeQuery(
  out: WireOutput,
  query: string,
  names: QueryNames,
  request: number,
  captures: WrittenCaptures,
): void {
  if (query.length > scratch.length) scratch = Buffer.allocUnsafeSlow(query.length * 2);
  let count = 0;
  let start = 0;
  let split = -1;
  for (let at = 0; at <= query.length; at += 1) {
    const code = at < query.length ? query.charCodeAt(at) : ampersand;
    if (code === equals && split < 0) split = at;
    if (code !== ampersand) continue;
    if (at > start) {
      count += 1;
      if (count > mostParameters) {
        throw refusal("too_many_parameters", "query", "", `has more than ${mostParameters} parameters`);
      }
      const end = split < 0 ? at : split;
      const leaf = names.find(decodedName(query, start, end));
      writeParameter(out, leaf, query, split < 0 ? at : split + 1, at, request, captures);
    }
    start = at + 1;
    split = -1;
  }
}

function decodedName(query: string, from: number, to: number): string {
  const name = query.slice(from, to);
  if (!name.includes("%") && !name.includes("+")) return name;
  const size = decoded(query, from, to, name);
  return scratch.toString("utf8", 0, size);
}

/** Decodes into the scratch; the count of its bytes. */
function decoded(query: string, from: number, to: number, name: string): number {
  const size = decodePercent(scratch, query, from, to);
  if (size < 0 || !isUtf8(scratch.subarray(0, size))) {
    throw refusal("bad_query", "query", name.slice(0, 200), "is not percent-encoded UTF-8");
  }
  return size;
}

function writeParameter(
  out: WireOutput,
  leaf: QueryLeaf,
  query: string,
  from: number,
  to: number,
  request: number,
  captures: WrittenCaptures,
): void {
  const { refused, path, last } = leaf;
  if (refused !== undefined || last === undefined) {
    throw refusal(refused?.reason ?? "unknown_field", "query", path.slice(0, 200), refused?.why ?? "");
  }
  if (!leaf.repeated && leaf.seenAt === request) {
    throw refusal("duplicate_field", "query", path, "is given twice");
  }
  leaf.seenAt = request;
  for (const { group, field } of leaf.groups) {
    if (group.seenAt === request && group.by !== field) {
      const why = `another field of the oneof ${group.name} is given`;
      throw refusal("conflicting_field", "query", path, why);
    }
    group.seenAt = request;
    group.by = field;
  }
  const size = decoded(query, from, to, path);
  const start = out.at;
  if (!writeLeaf(out, leaf.fields, scratch, 0, size)) {
    const kind = last.kind === WRAPPER ? last.inner : last.kind;
    const got = last.desc.proto.options?.debugRedact ? "" : `, got ${quoted(scratch, 0, size) || "nothing"}`;
    throw refusal("bad_value", "query", path, `expected ${expectation(kind, last.enum)}${got}`);
  }
  if (leaf.capture >= 0) {
    const first = captures.whole[leaf.capture] ?? 0;
    const behind = captures.to[leaf.capture] ?? 0;
    if (out.bytes.compare(out.bytes, first, behind, start, out.at) !== 0) {
      throw refusal("conflicting_field", "query", path, "is not what the path says");
    }
    out.at = start;
  }
}
