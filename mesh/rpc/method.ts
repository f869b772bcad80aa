import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { Call } from "../call/call.ts";
import { methodName } from "../contract/options.ts";
import type { MethodPolicy, Policies } from "../contract/policy.ts";
import { fail } from "../errors.ts";
import type { Implementation } from "../service.ts";

/** A handler without its types: a message or messages in, a message or messages out. */
export type AnyHandler = (input: unknown, call: Call) => unknown;

/** A method with all it takes to answer it, found once at the start. */
export interface AnsweredMethod {
  readonly desc: DescMethod;
  /** `user.v1.AuthService/Login` */
  readonly name: string;
  readonly policy: MethodPolicy;
  readonly handler: AnyHandler;
}

export type AnsweredMethods = ReadonlyMap<DescMethod, AnsweredMethod>;

/** Brings contracts, their policies and their handlers together, and refuses whatever lacks one of them. */
export function answeredMethods(
  implementations: readonly Implementation[],
  policies: Policies,
): AnsweredMethods {
  const contracts = new Set(implementations.map(({ contract }) => contract));
  for (const method of policies.keys()) if (!contracts.has(method.parent)) throw unanswered(method);
  return new Map(
    implementations
      .flatMap(({ contract, handlers }) => contract.methods.map((method) => ({ contract, handlers, method })))
      .map(({ contract, handlers, method }) => {
        const policy = policies.get(method);
        if (!policy) throw unlisted(contract);
        const handler = (handlers as Readonly<Record<string, AnyHandler | undefined>>)[method.localName];
        if (!handler) throw unanswered(method);
        return [method, { desc: method, name: methodName(method), policy, handler }];
      }),
  );
}

const unanswered = (method: DescMethod) =>
  fail.precondition("unanswered_method", `${method.parent.typeName}/${method.name} has no handler`);

const unlisted = (contract: DescService) =>
  fail.precondition("unlisted_contract", `${contract.typeName} is answered but not among the contracts`, {
    remedy: "add it to `contracts` of the service",
  });
