import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { Call } from "../call/call.ts";
import { methodName, serviceOf } from "../contract/options.ts";
import type { MethodPolicy, Policies } from "../contract/policy.ts";
import { fail } from "../errors.ts";
import type { DrawFault, Faults } from "../faults/faults.ts";
import type { Implementation } from "../implementation.ts";

/** A handler without its types: a message or messages in, a message or messages out. */
export type AnyHandler = (input: unknown, call: Call) => unknown;

/** A method with all it takes to answer it, found once at the start. */
export interface AnsweredMethod {
  readonly desc: DescMethod;
  /** `user.v1.AuthService/Login` */
  readonly name: string;
  /** Its number among those of the service. */
  readonly index: number;
  readonly policy: MethodPolicy;
  readonly handler: AnyHandler;
  /** Counts in the limit on calls at once. */
  readonly limited: boolean;
  /** What is to befall its calls on purpose, if anything may. */
  readonly drawFault: DrawFault | undefined;
}

const noFaults: Faults = { forMethod: () => undefined };

export type AnsweredMethods = ReadonlyMap<DescMethod, AnsweredMethod>;

/** Brings contracts, their policies and their handlers together, and refuses whatever lacks one of them. */
export function answeredMethods(
  implementations: readonly Implementation[],
  policies: Policies,
  faults: Faults = noFaults,
): AnsweredMethods {
  const contracts = new Set(implementations.map(({ contract }) => contract));
  for (const method of policies.keys()) if (!contracts.has(method.parent)) throw unanswered(method);
  return new Map(
    implementations
      .flatMap(({ contract, handlers }) => contract.methods.map((method) => ({ contract, handlers, method })))
      .map(({ contract, handlers, method }, index) => {
        const policy = policies.get(method);
        if (!policy) throw unlisted(contract);
        const handler = (handlers as Readonly<Record<string, AnyHandler | undefined>>)[method.localName];
        if (!handler) throw unanswered(method);
        const name = methodName(method);
        // Streams last by nature, and health must answer in an overload too.
        const limited = method.methodKind === "unary" && serviceOf(contract) !== undefined;
        const drawFault = faults.forMethod(name);
        return [method, { desc: method, name, index, policy, handler, limited, drawFault }];
      }),
  );
}

const unanswered = (method: DescMethod) =>
  fail.precondition("unanswered_method", `${method.parent.typeName}/${method.name} has no handler`);

const unlisted = (contract: DescService) =>
  fail.precondition("unlisted_contract", `${contract.typeName} is answered but not among the contracts`, {
    remedy: "add it to `contracts` of the service",
  });
