import type { DescMethod } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { Transport } from "@connectrpc/connect";
import { currentCall } from "../call/call.ts";
import { methodName, optionsOf } from "../contract/options.ts";
import { defaultTimeoutMs } from "../contract/policy.ts";
import { fail } from "../errors.ts";
import { newId } from "../id.ts";
import type { Credentials } from "../identity/credentials.ts";
import { whileUnreachable } from "./unreachable.ts";

export interface MeshTransportOptions {
  /** The service that calls. */
  caller: string;
  /** The service that is called. */
  callee: string;
  /** Carries the bytes. */
  wire: Transport;
  /** Proves who calls and for whom; without it, the call is made as nobody. */
  credentials?: Credentials;
}

/**
 * Adds to every call what the mesh promises: the deadline that remains, the
 * ids and the trace of the call at hand, and proof of who calls for whom.
 */
export function createMeshTransport({ caller, callee, wire, credentials }: MeshTransportOptions): Transport {
  const prepare = async (
    method: DescMethod,
    given: ConstructorParameters<typeof Headers>[0],
    signal?: AbortSignal,
    timeoutMs?: number,
  ) => {
    const call = currentCall();
    const budgetMs = budgetFor(method, timeoutMs, call?.deadline);
    const header = new Headers(given);
    const requestId = newId();
    header.set("x-request-id", requestId);
    header.set("x-correlation-id", call?.correlationId ?? requestId);
    header.set("x-service-name", caller);
    if (call) header.set("traceparent", call.traceparent);
    const proof = await credentials?.(callee, call);
    for (const [name, value] of Object.entries(proof ?? {})) header.set(name, value);
    const signals = [signal, call?.signal].filter((it) => it !== undefined);
    return { header, budgetMs, signal: signals.length > 1 ? AbortSignal.any(signals) : signals[0] };
  };

  return {
    async unary(method, signal, timeoutMs, header, input, contextValues) {
      const ready = await prepare(method, header, signal, timeoutMs);
      return whileUnreachable(ready, (leftMs) =>
        wire.unary(method, ready.signal, leftMs, ready.header, input, contextValues),
      );
    },
    async stream(method, signal, timeoutMs, header, input, contextValues) {
      const ready = await prepare(method, header, signal, timeoutMs);
      return wire.stream(
        method,
        ready.signal,
        timeoutMs && ready.budgetMs,
        ready.header,
        input,
        contextValues,
      );
    },
  };
}

/** The shortest of what the caller wants, the contract allows and the call at hand has left. */
function budgetFor(method: DescMethod, wanted: number | undefined, deadline: number | undefined): number {
  const stated = optionsOf(method)?.timeout;
  const allowed = stated ? durationMs(stated) : defaultTimeoutMs;
  const left = deadline === undefined ? Number.POSITIVE_INFINITY : deadline - Date.now();
  if (left <= 0) {
    throw fail.deadline("deadline_exceeded", `no time is left to call ${methodName(method)}`);
  }
  return Math.min(wanted ?? allowed, allowed, left);
}
