import { randomBytes } from "node:crypto";
import { isIP } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Call } from "../call/call.ts";
import type { Envelope } from "../call/live-call.ts";
import { LiveCall } from "../call/live-call.ts";
import type { MethodPolicy } from "../contract/policy.ts";
import { newId } from "../id.ts";
import type { Logger } from "../log/logger.ts";
import type { Authenticator, Credentials, Metadata } from "./authenticate.ts";
import { bearerOf, nobody } from "./authenticate.ts";
import type { AnsweredMethod } from "./method.ts";
import type { Observer } from "./observe.ts";
import type { CallIds, CallRecord } from "./record.ts";

/** A call as its lane hands it over, before anything is known of it. */
export interface Arrival extends Envelope, Metadata {
  /** What the caller gives it; the contract may allow less. */
  readonly timeoutMs: number | undefined;
}

/** The door of a service: the same for every lane. */
export interface Intake {
  /**
   * Lets a call in, or throws why not: finds out who calls, and sets up the
   * call's context. To be asked before the body is parsed, so that a caller
   * without the right costs little. No promise where none is needed.
   */
  admit(method: AnsweredMethod, arrival: Arrival, record: CallRecord): LiveCall | Promise<LiveCall>;
  /** The call is over, let in or not: to be told once of each. */
  over(record: CallRecord, code: string): void;
}

export interface IntakeOptions {
  authenticate: Authenticator;
  observer: Observer;
  log: Logger;
  /** Aborted when the service stops; ends streams that would go on, and nothing else. */
  stopping: AbortSignal;
}

/** Longest id we take over from a caller; the alphabet keeps ids harmless in logs and headers. */
const idForm = /^[\w.:-]{1,128}$/;
const traceForm = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

export function createIntake({ authenticate, observer, log, stopping }: IntakeOptions): Intake {
  const enter = (
    { name, policy }: AnsweredMethod,
    arrival: Arrival,
    record: CallRecord,
    ids: CallIds,
    { caller, userToken, client }: Credentials,
  ): LiveCall => {
    const call = new LiveCall({
      method: name,
      requestId: ids.requestId,
      correlationId: ids.correlationId,
      traceparent: accept(arrival.header("traceparent"), traceForm) ?? newTraceparent(),
      caller,
      userToken,
      envelope: arrival,
      client: () => client ?? clientOf(arrival, caller.service?.name, record.peer.address),
      budgetMs: Math.min(arrival.timeoutMs ?? policy.timeoutMs, policy.timeoutMs),
      log,
    });
    record.call = call;
    if (policy.lasting) endWith(call, stopping);
    policy.allow(caller);
    return call;
  };

  return {
    admit(method, arrival, record) {
      const ids = idsOf(arrival);
      record.ids = ids;
      const credentials = identify(method.policy, authenticate, arrival);
      return credentials instanceof Promise
        ? credentials.then((known) => enter(method, arrival, record, ids, known))
        : enter(method, arrival, record, ids, credentials);
    },
    over(record, code) {
      record.call?.finish();
      observer(record, code);
    },
  };
}

/** To a public method, bad credentials are as good as none: its handler may look at them itself. */
function identify(
  policy: MethodPolicy,
  authenticate: Authenticator,
  arrival: Arrival,
): Credentials | Promise<Credentials> {
  if (!policy.isPublic) return authenticate(arrival);
  const tolerate = (error: unknown): Credentials => {
    const { code } = ConnectError.from(error);
    // The issuer may be away, which is not the caller's fault; anything else is ours and must show.
    if (code !== Code.Unauthenticated && code !== Code.Unavailable) throw error;
    return { ...nobody, userToken: bearerOf(arrival.header("authorization")) };
  };
  try {
    const credentials = authenticate(arrival);
    return credentials instanceof Promise ? credentials.catch(tolerate) : credentials;
  } catch (error) {
    return tolerate(error);
  }
}

function idsOf(arrival: Arrival): CallIds {
  const requestId = accept(arrival.header("x-request-id"), idForm) ?? newId();
  return { requestId, correlationId: accept(arrival.header("x-correlation-id"), idForm) ?? requestId };
}

const accept = (value: string | undefined, form: RegExp) =>
  value !== undefined && form.test(value) ? value : undefined;

/** W3C Trace Context; not sampled, since nothing samples here. */
function newTraceparent(): string {
  return `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-00`;
}

function endWith(call: LiveCall, stopping: AbortSignal): void {
  const stop = () => call.end(stopping.reason);
  if (stopping.aborted) stop();
  else stopping.addEventListener("abort", stop, { once: true });
  call.onFinish(() => stopping.removeEventListener("abort", stop));
}

/** Only the gateway may say that a call comes from elsewhere than its socket. */
function clientOf(arrival: Arrival, service: string | undefined, address: string): Call["client"] {
  const trusted = service === "gateway";
  const forwarded = trusted ? (arrival.header("x-forwarded-for")?.split(",")[0]?.trim() ?? "") : "";
  const userAgent = (trusted && arrival.header("x-forwarded-user-agent")) || arrival.header("user-agent");
  return { address: isIP(forwarded) ? forwarded : address, userAgent: (userAgent ?? "").slice(0, 256) };
}
