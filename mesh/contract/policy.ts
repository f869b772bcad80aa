import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { Duration } from "@bufbuild/protobuf/wkt";
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
  /** A stream that may outlast any ordinary call: ended when the service stops, not waited for. */
  readonly lasting: boolean;
  /** Calls that end well have no line in the log. */
  readonly quiet: boolean;
}

export const defaultTimeoutMs = 30_000;
/** Beyond it a timer of JavaScript fires at once. */
export const longestTimerMs = 2 ** 31 - 1;

export type Policies = ReadonlyMap<DescMethod, MethodPolicy>;

/** Reads the policies of all methods once, and refuses contracts that leave something open. */
export function compilePolicies(process: string, contracts: readonly DescService[]): Policies {
  const port = contracts[0] && serviceOf(contracts[0])?.port;
  const problems = contracts.flatMap((contract) => [
    ...portProblems(contract, port),
    ...processProblems(process, contract),
    ...contract.methods.flatMap((method) => {
      const { access, timeout } = optionsOf(method) ?? {};
      const problems = [accessProblem(access), timeoutProblem(timeout)];
      return problems.filter((it) => it !== undefined).map((problem) => `${methodName(method)} ${problem}`);
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

/** Callers go by the port that the contract they call names, so all contracts of a process name one. */
function portProblems(contract: DescService, port: number | undefined): string[] {
  const stated = serviceOf(contract);
  if (!stated) return [];
  if (stated.port < 1 || stated.port > 65535) return [`${contract.typeName} names no port from 1 to 65535`];
  return stated.port === port ? [] : [`${contract.typeName} names port ${stated.port}, and others ${port}`];
}

function timeoutProblem(timeout: Duration | undefined): string | undefined {
  if (!timeout) return undefined;
  const ms = durationMs(timeout);
  return ms >= 1 && ms <= longestTimerMs ? undefined : "has a timeout that is not between 1 ms and 24 days";
}

function compile(method: DescMethod): MethodPolicy {
  const options = optionsOf(method);
  const name = methodName(method);
  if (!options?.access) throw fail.internal("no_access_rule", `${name} has no access rule`);
  const timeoutMs = options.timeout ? durationMs(options.timeout) : defaultTimeoutMs;
  return {
    name,
    isPublic: options.access.public,
    allow: compileAccess(name, options.access),
    timeoutMs,
    lasting: streamsOut(method) && timeoutMs > defaultTimeoutMs,
    quiet: options.quiet,
  };
}

const streamsOut = ({ methodKind }: DescMethod) =>
  methodKind === "server_streaming" || methodKind === "bidi_streaming";

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
        lasting: streamsOut(method),
        quiet: false,
      },
    ]),
  );
}
