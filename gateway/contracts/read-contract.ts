import type { DescService, FileRegistry } from "@bufbuild/protobuf";
import { methodName, serviceOf, WeftError } from "#mesh";
import { compilePolicies } from "#mesh/contract/policy.ts";
import { cachePolicyOf } from "../cache/cache-policy.ts";
import { limitPoliciesOf } from "../limits/policy.ts";
import { bindingsOf } from "../routing/bindings-of.ts";
import { findConflicts } from "../routing/conflicts.ts";
import type { ServedContract } from "./contracts.ts";
import { reservedProblem } from "./reserved-paths.ts";

/** A contract that is sound in itself, or what is wrong with it. */
export type Reading =
  | { readonly contract: ServedContract; readonly problems?: never }
  | { readonly contract?: never; readonly problems: readonly string[] };

const mostProblems = 20;
const mostProblemChars = 1000;
/** Beyond what any service has, and little enough to route by. */
const mostMethods = 1000;
const mostBindings = 2000;

/** Looks at what a service announces, by itself: whether others stand against it is for `admission`. */
export function readContract(service: string, hash: string, registry: FileRegistry): Reading {
  const contracts = [...registry].filter(
    (it): it is DescService => it.kind === "service" && serviceOf(it)?.name === service,
  );
  if (contracts.length === 0)
    return refused([`none of its contracts names ${service} in option (mesh.v1.service)`]);
  const methods = contracts.reduce((sum, it) => sum + it.methods.length, 0);
  if (methods > mostMethods)
    return refused([`it has ${methods} methods, and at most ${mostMethods} are served`]);
  const found = contracts.map(bindingsOf);
  const bindings = found.flatMap((it) => it.bindings);
  if (bindings.length > mostBindings)
    return refused([`it has ${bindings.length} http rules, and at most ${mostBindings} are served`]);
  const problems = [
    ...policyProblems(service, contracts),
    ...found.flatMap((it) => it.problems),
    ...findConflicts(bindings).map(({ what }) => what),
    ...bindings.flatMap(({ method, template }) => {
      const problem = reservedProblem(template);
      return problem ? [`${methodName(method)}: ${problem}`] : [];
    }),
  ];
  if (problems.length > 0) return refused(problems);
  return { contract: { service, hash, registry, contracts, bindings } };
}

/** What anybody who reaches the broker wrote is shown in part only. */
export function refused(problems: readonly string[]): Reading {
  const shown = problems.slice(0, mostProblems).map((it) => it.slice(0, mostProblemChars));
  const left = problems.length - shown.length;
  return { problems: left > 0 ? [...shown, `and ${left} more`] : shown };
}

function policyProblems(service: string, contracts: readonly DescService[]): string[] {
  const methods = contracts.flatMap((it) => it.methods);
  return [
    ...problemOf(() => compilePolicies(service, contracts)),
    ...methods.flatMap((method) => problemOf(() => limitPoliciesOf(method))),
    ...methods.flatMap((method) => problemOf(() => cachePolicyOf(method))),
  ];
}

function problemOf(compile: () => unknown): string[] {
  try {
    compile();
    return [];
  } catch (error) {
    if (!(error instanceof WeftError)) throw error;
    return [error.rawMessage];
  }
}
