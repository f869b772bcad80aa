import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { fail } from "../errors.ts";
import type { AccessCheck } from "./access.ts";
import { accessProblem, compileAccess } from "./access.ts";
import { methodName, optionsOf, serviceOf } from "./options.ts";

/** What the mesh holds to for one method, ready to use. */
export interface MethodPolicy {
  readonly name: string;
  readonly isPublic: boolean;
  readonly allow: AccessCheck;
  /** Longest time that one call may take. */
  readonly timeoutMs: number;
}

export const defaultTimeoutMs = 30_000;

export type Policies = ReadonlyMap<DescMethod, MethodPolicy>;

/** Reads the policies of all methods once, and refuses contracts that leave something open. */
export function compilePolicies(process: string, contracts: readonly DescService[]): Policies {
  const problems = contracts.flatMap((contract) => [
    ...processProblems(process, contract),
    ...contract.methods.flatMap((method) => {
      const problem = accessProblem(optionsOf(method)?.access);
      return problem ? [`${methodName(method)} ${problem}`] : [];
    }),
  ]);
  if (problems.length > 0) {
    throw fail.precondition("bad_contract", `contract of ${process}: ${problems.join("; ")}`, {
      remedy: "correct the .proto and run `npm run generate`",
    });
  }
  return new Map(contracts.flatMap((it) => it.methods).map((method) => [method, compile(method)]));
}

function processProblems(process: string, contract: DescService): string[] {
  const stated = serviceOf(contract);
  if (!stated)
    return [`${contract.typeName} does not say which process serves it: add option (mesh.v1.service)`];
  if (stated.name !== process) return [`${contract.typeName} belongs to "${stated.name}"`];
  return [];
}

function compile(method: DescMethod): MethodPolicy {
  const options = optionsOf(method);
  const name = methodName(method);
  if (!options?.access) throw fail.internal("no_access_rule", `${name} has no access rule`);
  return {
    name,
    isPublic: options.access.public,
    allow: compileAccess(name, options.access),
    timeoutMs: options.timeout ? durationMs(options.timeout) : defaultTimeoutMs,
  };
}

/** Policies of what the mesh itself serves: health and reflection, open to all and as long as they last. */
export function openPolicies(implementations: readonly { contract: DescService }[]): Policies {
  const methods = implementations.flatMap(({ contract }) => contract.methods);
  return new Map(
    methods.map((method) => [
      method,
      {
        name: methodName(method),
        isPublic: true,
        allow: () => {},
        timeoutMs: method.methodKind === "unary" ? defaultTimeoutMs : Number.POSITIVE_INFINITY,
      },
    ]),
  );
}
