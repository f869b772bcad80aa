import type { DescMethod } from "@bufbuild/protobuf";
import { getOption, hasOption } from "@bufbuild/protobuf";
import { http } from "#gen/google/api/annotations_pb.js";
import type { HttpRule } from "#gen/google/api/http_pb.js";

/** One rule of google.api.http, laid flat. */
export interface Rule {
  readonly verb: string;
  readonly path: string;
  readonly body: string;
  readonly responseBody: string;
}

/** A method is known by a few paths; more is a mistake, or meant to fill our memory. */
const mostRules = 32;

/** The rules of a method, the first first; or what is wrong with them. */
export function rulesOf(method: DescMethod): { rules: readonly Rule[]; problems: readonly string[] } {
  if (!hasOption(method, http)) return { rules: [], problems: [] };
  const main = getOption(method, http);
  const all = [main, ...main.additionalBindings];
  if (all.length > mostRules)
    return { rules: [], problems: [`has more than ${mostRules} additional_bindings`] };
  const rules: Rule[] = [];
  const problems: string[] = [];
  for (const rule of all) {
    // "Nested bindings must not contain an additional_bindings field themselves."
    if (rule !== main && rule.additionalBindings.length > 0)
      problems.push("has additional_bindings within additional_bindings, which go one level deep");
    const flat = flatten(rule);
    if (flat) rules.push(flat);
    else problems.push("has an http rule without a path");
  }
  return { rules, problems };
}

function flatten({ pattern, body, responseBody }: HttpRule): Rule | undefined {
  switch (pattern.case) {
    case undefined:
      return undefined;
    case "custom":
      return { verb: pattern.value.kind, path: pattern.value.path, body, responseBody };
    default:
      return { verb: pattern.case.toUpperCase(), path: pattern.value, body, responseBody };
  }
}
