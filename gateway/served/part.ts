import type { DescService, Registry } from "@bufbuild/protobuf";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import type { Logger } from "#mesh";
import { fail, optionsOf } from "#mesh";
import { eachField, fieldsOf } from "#mesh/call/metadata.ts";
import type { Network } from "#mesh/client/network.ts";
import type { MethodPolicy, Policies } from "#mesh/contract/policy.ts";
import { compilePolicies } from "#mesh/contract/policy.ts";
import { isPublished } from "#mesh/contract/published.ts";
import { isRepeatable } from "#mesh/contract/safety.ts";
import type { Authenticator } from "#mesh/rpc/authenticate.ts";
import type { Meter } from "#mesh/rpc/intake.ts";
import type { Rpc } from "#mesh/rpc/rpc.ts";
import { createRpc } from "#mesh/rpc/rpc.ts";
import type { Telemetry } from "#mesh/telemetry/telemetry.ts";
import { cachePolicyOf } from "../cache/cache-policy.ts";
import { ownCall } from "../edge/own-call.ts";
import { outwardFields, passable } from "../edge/passed-headers.ts";
import type { EdgeRoute } from "../edge/route.ts";
import type { Binding } from "../routing/binding.ts";
import type { Route } from "../routing/router.ts";
import type { Entering } from "../rpc/entering.ts";
import { forward } from "../rpc/forward.ts";
import { shownCredentials } from "../rpc/shown-credentials.ts";
import { compileAnswer, compileHttpBody } from "../transcode/answer.ts";
import { compileRequest } from "../transcode/request.ts";

export interface PartOptions {
  readonly network: Network;
  readonly authenticate: Authenticator;
  readonly telemetry: Telemetry;
  /** Holds callers to limits. Default: nobody is. */
  readonly meter: Meter | undefined;
  readonly log: Logger;
  readonly stopping: AbortSignal;
  readonly enter: Entering;
  /** Answers the gateway's own contracts. */
  readonly own: Rpc;
}

/** The contracts of one service, and how they are bound to HTTP. */
export interface PartSource {
  readonly service: string;
  readonly contracts: readonly DescService[];
  /** All that they are made of. */
  readonly registry: Registry;
  readonly bindings: readonly Binding[];
}

/** What the gateway answers for one service: made once for each contract, used by all snapshots that have it. */
export interface ServedPart {
  readonly source: PartSource;
  readonly rpc: Rpc;
  readonly routes: readonly Route<EdgeRoute>[];
  /** RPCs that strangers may know of. */
  readonly handlers: readonly UniversalHandler[];
}

export function createPart(source: PartSource, options: PartOptions): ServedPart {
  const { service, contracts, bindings } = source;
  const policies = edgePolicies(compilePolicies(service, contracts), bindings);
  const isOwn = contracts.some((it) => it.methods.some((method) => options.own.methods.has(method)));
  const rpc = isOwn ? options.own : createForwardingRpc(source, policies, options);
  const routes = bindings.map((binding) => ({
    verb: binding.verb,
    template: binding.template,
    value: routeOf(binding, source, rpc, isOwn, options),
  }));
  const handlers = isOwn ? [] : rpc.handlers.filter(({ method }) => isPublished(method));
  return { source, rpc, routes, handlers };
}

function createForwardingRpc(
  { service, contracts }: PartSource,
  policies: Policies,
  { network, authenticate, telemetry, meter, log, stopping, enter }: PartOptions,
): Rpc {
  const leave = (call: { responseHeader: Headers }, header: Headers) => {
    eachField(outwardFields(fieldsOf(header)), (name, value) => call.responseHeader.set(name, value));
  };
  const implementations = contracts.map((it) => forward({ contract: it, service, network, enter, leave }));
  return createRpc({ implementations, policies, authenticate, telemetry, meter, log, stopping });
}

/**
 * The callee enforces who may call what; here the same is done once more, so
 * that strangers cost it nothing. What only services may call is let through to
 * it as it comes: their proof is for the callee alone and cannot be read here.
 */
function edgePolicies(policies: Policies, bindings: readonly Binding[]): Policies {
  const passed = new Set(bindings.map(({ method }) => method).filter((method) => !isPublished(method)));
  const open = (policy: MethodPolicy): MethodPolicy => ({ ...policy, isPublic: true, allow: () => {} });
  return new Map(Array.from(policies, ([method, it]) => [method, passed.has(method) ? open(it) : it]));
}

function routeOf(
  binding: Binding,
  { service, registry }: PartSource,
  rpc: Rpc,
  isOwn: boolean,
  { network }: PartOptions,
): EdgeRoute {
  const { method: desc } = binding;
  const method = rpc.methods.get(desc);
  if (!method) throw fail.internal("no_method", `${desc.name} is not among the methods`);
  const forServices = !isPublished(desc);
  const raw = compileHttpBody(binding);
  return {
    binding,
    service,
    method,
    intake: rpc.intake,
    status: optionsOf(desc)?.successStatus || 200,
    encode: compileRequest(binding, registry),
    write: compileAnswer(binding, registry),
    raw,
    call: isOwn
      ? ownCall(method)
      : network.bytesClient(desc.parent, forServices ? shownCredentials : undefined),
    bare: binding.template.text.startsWith("/.well-known/"),
    cache: cachePolicyOf(desc),
    keyed: desc.methodKind === "unary" && raw === undefined && !isRepeatable(desc),
    keepsKeys: optionsOf(desc)?.keepsKeys ?? false,
    forServices,
    headers: passable(optionsOf(desc)?.headers ?? []),
  };
}
