import { describeCaller } from "../call/identity.ts";
import { rpcAttributes } from "../telemetry/rpc-attributes.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { mayKeep } from "../telemetry/tracer.ts";
import type { CallRecord } from "./record.ts";

/** Told how each call ended, whichever way it came in. */
export type Observer = (record: CallRecord, code: string, durationMs: number) => void;

/** One measurement, one span and one log line for each call. */
export function createObserver({ calls, tracer, access }: Telemetry): Observer {
  return (record, code, durationMs) => {
    const { call, error, ids, method, peer, startedAt } = record;
    const { name } = method;
    const service = call?.caller.service?.name ?? (call?.caller.user ? "user" : "anonymous");
    calls.server(name, code, service, durationMs / 1000);
    const span = record.span ?? tracer.begin("server", name, undefined, performance.timeOrigin + startedAt);
    if (mayKeep(span, code)) {
      tracer.end(span, { code, error, attributes: attributesOf(record, code, service) });
    }
    if ((!access.enabled || method.policy.quiet) && error === undefined) return;
    access.in({
      method: name,
      code,
      durationMs,
      who: call ? describeCaller(call.caller) : "",
      peer: peer.address,
      requestId: ids?.requestId,
      correlationId: ids?.correlationId,
      traceId: span.traceId,
      error,
    });
  };
}

function attributesOf({ method, peer, ids }: CallRecord, code: string, peerService: string) {
  return rpcAttributes({
    protocol: "connect",
    method: method.name,
    code,
    peerService,
    peerAddress: peer.address,
    requestId: ids?.requestId,
    correlationId: ids?.correlationId,
  });
}
