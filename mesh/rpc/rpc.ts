import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { createConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { compressionGzip } from "@connectrpc/connect-node";
import { callKey } from "../call/call.ts";
import type { Policies } from "../contract/policy.ts";
import { fail } from "../errors.ts";
import { serverLimits } from "../limits.ts";
import type { Logger } from "../log/logger.ts";
import type { Implementation } from "../service.ts";
import type { Authenticator } from "./authenticate.ts";
import { createGate } from "./gate.ts";
import { aroundHandlers } from "./interceptors.ts";
import type { Observer } from "./observe.ts";
import { observed } from "./observe.ts";

export interface RpcOptions {
  implementations: readonly Implementation[];
  policies: Policies;
  authenticate: Authenticator;
  observer: Observer;
  log: Logger;
  /** Aborted when the service stops; ends streams that would go on, and nothing else. */
  stopping: AbortSignal;
}

/** The answers of a service to every protocol, ready for a socket or for calls in memory. */
export function createRpc(options: RpcOptions): UniversalHandler[] {
  const { implementations, policies, authenticate, observer, log, stopping } = options;
  const router = createConnectRouter({
    acceptCompression: [compressionGzip],
    readMaxBytes: serverLimits.messageBytes,
    writeMaxBytes: serverLimits.messageBytes,
    interceptors: [aroundHandlers],
    requestGate: createGate({ policies, authenticate, log, stopping }),
    jsonOptions: { ignoreUnknownFields: true },
  });
  const answered = new Set(implementations.map(({ contract }) => contract));
  for (const method of policies.keys()) if (!answered.has(method.parent)) throw unanswered(method);
  for (const implementation of implementations) {
    if (!implementation.contract.methods.every((it) => policies.has(it))) throw unlisted(implementation);
    router.service(implementation.contract, withCall(implementation));
  }
  return router.handlers.map((handler) => observed(handler, observer));
}

type AnyFn = (first: unknown, second: unknown) => unknown;

/** Gives each handler the mesh's call in place of the protocol library's context. */
function withCall({ contract, handlers }: Implementation): Partial<ServiceImpl<DescService>> {
  const wrapped: Record<string, AnyFn> = {};
  for (const method of contract.methods) {
    const handler = (handlers as Record<string, AnyFn | undefined>)[method.localName];
    if (!handler) throw unanswered(method);
    wrapped[method.localName] = (input, context) => handler(input, callOf(context as HandlerContext));
  }
  return wrapped as unknown as Partial<ServiceImpl<DescService>>;
}

function callOf(context: HandlerContext) {
  const call = context.values.get(callKey);
  if (!call) throw fail.internal("no_call", "the call did not pass the gate");
  return call;
}

const unanswered = (method: DescMethod) =>
  fail.precondition("unanswered_method", `${method.parent.typeName}/${method.name} has no handler`);

const unlisted = ({ contract }: Implementation) =>
  fail.precondition("unlisted_contract", `${contract.typeName} is answered but not among the contracts`, {
    remedy: "add it to `contracts` of the service",
  });
