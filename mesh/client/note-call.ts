import { ConnectError } from "@connectrpc/connect";
import { codeName } from "../errors.ts";
import { rpcAttributes } from "../telemetry/rpc-attributes.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { mayKeep } from "../telemetry/tracer.ts";
import type { Departure } from "./departure.ts";
import type { Endpoint } from "./endpoint.ts";

/** Where a call went, as far as it came. */
export interface Journey {
  readonly attempts: number;
  readonly endpoint: Endpoint | undefined;
}

/** One measurement, one span and one log line for each call that was made. */
export function noteCall(
  { calls, tracer, access }: Telemetry,
  callee: string,
  { policy, span, startedMs, requestId, correlationId }: Departure,
  journey: Journey | undefined,
  failure: unknown,
): void {
  const durationMs = performance.now() - startedMs;
  const code = failure === undefined ? "ok" : codeName(ConnectError.from(failure).code);
  const method = policy.name;
  calls.client(callee, method, code, durationMs / 1000);
  if (mayKeep(span, code)) {
    const attributes = rpcAttributes({
      protocol: "connect",
      method,
      code,
      peerService: callee,
      serverAddress: journey?.endpoint?.instance.host,
      serverPort: journey?.endpoint?.instance.port,
      requestId,
      correlationId,
      attempt: journey?.attempts,
    });
    tracer.end(span, { code, error: failure, attributes });
  }
  if (!access.enabled || (policy.quiet && failure === undefined)) return;
  access.out({
    method,
    code,
    durationMs,
    who: callee,
    instance: journey?.endpoint?.name,
    requestId,
    correlationId,
    traceId: span.traceId,
    attempts: journey?.attempts,
    error: failure,
  });
}
