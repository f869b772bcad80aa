import { anonymous } from "../../call/identity.ts";
import { LiveCall } from "../../call/live-call.ts";
import { noEnvelope } from "../../call/no-envelope.ts";
import type { Logger } from "../../log/logger.ts";
import { parseTraceparent } from "../../telemetry/trace-context.ts";
import type { Tracer } from "../../telemetry/tracer.ts";
import type { ConsumerPolicy } from "./compile-consumers.ts";
import type { Delivery } from "./delivery.ts";

/** The call in which an event is handled: with the trace that it was published in, and a deadline. */
export function openEventCall(
  { head, subject }: Delivery,
  { service, name, timeoutMs }: ConsumerPolicy,
  tracer: Tracer,
  log: Logger,
): LiveCall {
  return new LiveCall({
    method: `${service}.${name} of ${head.type}`,
    requestId: head.id,
    correlationId: head.correlationId || head.id,
    span: tracer.begin("consumer", `process ${subject}`, parseTraceparent(head.traceparent)),
    tracer,
    // Nobody has proved it: for records of who did what, not for rights.
    caller: head.source === "" ? anonymous : { service: { name: head.source, scopes: [] } },
    userToken: "",
    envelope: noEnvelope,
    client: () => ({ address: "", userAgent: head.source }),
    budgetMs: timeoutMs,
    log,
  });
}
