import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { createRegistry } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { createConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { compressionGzip } from "@connectrpc/connect-node";
import { serverLimits } from "../bounds/limits.ts";
import type { Policies } from "../contract/policy.ts";
import { fail } from "../errors.ts";
import type { Faults } from "../faults/faults.ts";
import type { Implementation } from "../implementation.ts";
import { createGate } from "./gate.ts";
import type { Intake, IntakeOptions } from "./intake.ts";
import { createIntake } from "./intake.ts";
import { aroundHandlers } from "./interceptors.ts";
import type { AnsweredMethod, AnsweredMethods } from "./method.ts";
import { answeredMethods } from "./method.ts";
import { observed } from "./observed.ts";
import { recordKey } from "./record.ts";

export interface RpcOptions extends IntakeOptions {
  implementations: readonly Implementation[];
  policies: Policies;
  /** What is to befall calls on purpose. Default: nothing. */
  faults?: Faults;
  /** Largest message that is taken. Default, and largest that is sent: that of `serverLimits`. */
  messageBytes?: number;
}

/** What a service answers, ready for every lane: by socket and in memory. */
export interface Rpc {
  readonly methods: AnsweredMethods;
  readonly intake: Intake;
  readonly messageBytes: number;
  /** For the general lane: any protocol, any kind of method. */
  readonly handlers: readonly UniversalHandler[];
}

export function createRpc(options: RpcOptions): Rpc {
  const { implementations, policies, faults, messageBytes = serverLimits.messageBytes } = options;
  const methods = answeredMethods(implementations, policies, faults);
  const intake = createIntake(options);
  const router = createConnectRouter({
    acceptCompression: [compressionGzip],
    readMaxBytes: messageBytes,
    writeMaxBytes: serverLimits.messageBytes,
    interceptors: [aroundHandlers],
    requestGate: createGate(intake),
    // Without a registry JSON could hold no google.protobuf.Any.
    jsonOptions: {
      ignoreUnknownFields: true,
      registry: createRegistry(...implementations.map(({ contract }) => contract.file)),
    },
  });
  for (const { contract } of implementations) router.service(contract, withCall(contract, methods));
  const handlers = router.handlers.map((handler) =>
    observed(handler, methodOf(handler.method, methods), intake),
  );
  return { methods, intake, messageBytes, handlers };
}

/** Gives each handler the mesh's call in place of the protocol library's context. */
function withCall(contract: DescService, methods: AnsweredMethods): Partial<ServiceImpl<DescService>> {
  const wrapped = contract.methods.map((method) => {
    const { handler } = methodOf(method, methods);
    return [
      method.localName,
      (input: unknown, context: HandlerContext) => handler(input, callOf(context)),
    ] as const;
  });
  return Object.fromEntries(wrapped) as unknown as Partial<ServiceImpl<DescService>>;
}

function methodOf(method: DescMethod, methods: AnsweredMethods): AnsweredMethod {
  const found = methods.get(method);
  if (!found) throw fail.internal("no_method", `${method.name} is not among the methods`);
  return found;
}

function callOf(context: HandlerContext) {
  const call = context.values.get(recordKey)?.call;
  if (!call) throw fail.internal("no_call", "the call did not pass the gate");
  return call;
}
