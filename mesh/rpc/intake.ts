import { isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Call } from "../call/call.ts";
import type { Caller } from "../call/identity.ts";
import { anonymous, edge } from "../call/identity.ts";
import type { Envelope } from "../call/live-call.ts";
import { LiveCall } from "../call/live-call.ts";
import type { MethodPolicy } from "../contract/policy.ts";
import type { WeftError } from "../errors.ts";
import { fail } from "../errors.ts";
import type { Logger } from "../log/logger.ts";
import type { AdaptiveLimit, LimitOutcome } from "../resilience/adaptive-limit.ts";
import type { WaitingRoom } from "../resilience/waiting-room.ts";
import { createWaitingRoom } from "../resilience/waiting-room.ts";
import type { Span } from "../telemetry/span.ts";
import type { Cell } from "../telemetry/tally.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { parseTraceparent } from "../telemetry/trace-context.ts";
import type { Authenticator, Credentials, Metadata } from "./authenticate.ts";
import { bearerOf, nobody } from "./authenticate.ts";
import { idsOf } from "./ids.ts";
import { createLasting } from "./lasting.ts";
import type { AnsweredMethod } from "./method.ts";
import { createObserver } from "./observe.ts";
import type { CallIds, CallRecord } from "./record.ts";

/** A call as its lane hands it over, before anything is known of it. */
export interface Arrival extends Envelope, Metadata {
  /** What the caller gives it; the contract may allow less. */
  readonly timeoutMs: number | undefined;
  /** What ties the call to others, where the lane had to know before. Default: as its metadata says. */
  readonly ids?: CallIds;
}

/** The door of a service: the same for every lane. */
export interface Intake {
  /**
   * Lets a call in, or throws why not: finds out who calls, and sets up the
   * call's context. To be asked before the body is parsed, so that a caller
   * without the right costs little. No promise where none is needed.
   */
  admit(arrival: Arrival, record: CallRecord): LiveCall | Promise<LiveCall>;
  /** The call is over, let in or not: to be told once of each. */
  over(record: CallRecord, code: string): void;
  /** Calls that are being answered. */
  readonly inFlight: number;
  /** Resolves when no call is left, or after this long. */
  settled(graceMs: number): Promise<void>;
}

/**
 * Told of each call once it is known who makes it, or that nobody can tell, and
 * before it is let in; throws to turn it away. No promise where none is needed.
 */
export type Meter = (caller: Caller, arrival: Arrival, record: CallRecord) => undefined | Promise<undefined>;

export interface IntakeOptions {
  authenticate: Authenticator;
  telemetry: Telemetry;
  /** Counts callers, where they are held to limits. Default: nobody is. */
  meter?: Meter | undefined;
  /** How many calls may be answered at once. Default: as many as come. */
  limit?: AdaptiveLimit;
  log: Logger;
  /** Aborted when the service stops; ends streams that would go on, and nothing else. */
  stopping: AbortSignal;
}

export function createIntake(options: IntakeOptions): Intake {
  const { authenticate, telemetry, meter, limit, log, stopping } = options;
  const { tracer, calls } = telemetry;
  const observe = createObserver(telemetry);
  const refusal = createOverloaded();
  const lasts = createLasting({ authenticate, stopping });
  const waiting: Array<() => void> = [];
  let inFlight = 0;
  const room = limit && createWaitingRoom({ limit, now: () => performance.now() });

  // Looked up once for each method, not twice for each call.
  const answering: Cell[] = [];
  const answeringOf = ({ index, name }: AnsweredMethod): Cell => {
    answering[index] ??= calls.serverInFlight(name);
    return answering[index];
  };

  const enter = (
    arrival: Arrival,
    record: CallRecord,
    ids: CallIds,
    { caller, userToken, client }: Credentials,
  ): LiveCall | Promise<LiveCall> => {
    const { name, policy } = record.method;
    record.span = beginSpan(record, arrival, caller.service === undefined);
    const call = new LiveCall({
      method: name,
      requestId: ids.requestId,
      correlationId: ids.correlationId,
      span: record.span,
      tracer,
      caller,
      userToken,
      envelope: arrival,
      client: () => client ?? clientOf(arrival, caller.service?.name, record.peer.address),
      budgetMs: Math.min(arrival.timeoutMs ?? policy.timeoutMs, policy.timeoutMs),
      log,
    });
    record.call = call;
    policy.allow(caller);
    if (policy.lasting) lasts(call, policy, arrival);
    return room && record.method.limited ? takePlace(room, call, record) : call;
  };

  const identified = (
    arrival: Arrival,
    record: CallRecord,
    ids: CallIds,
    credentials: Credentials,
  ): LiveCall | Promise<LiveCall> => {
    const counted = meter?.(credentials.caller, arrival, record);
    return counted
      ? counted.then(() => enter(arrival, record, ids, credentials))
      : enter(arrival, record, ids, credentials);
  };

  /** Nobody can tell who calls; that it was tried is counted all the same. */
  const unknown = (arrival: Arrival, record: CallRecord, thrown: unknown): Promise<never> => {
    if (!meter || ConnectError.from(thrown).code !== Code.Unauthenticated) throw thrown;
    const counted = meter(anonymous, arrival, record);
    if (!counted) throw thrown;
    return counted.then(() => {
      throw thrown;
    });
  };

  const takePlace = (
    places: WaitingRoom,
    call: LiveCall,
    record: CallRecord,
  ): LiveCall | Promise<LiveCall> => {
    const settle = (mayGoOn: boolean): LiveCall => {
      if (!mayGoOn) {
        calls.rejected("in", call.caller.service?.name ?? "anonymous", "limit");
        throw refusal(places);
      }
      record.enteredAt = performance.now();
      return call;
    };
    const entered = places.enter(call.deadline - Date.now());
    return entered instanceof Promise ? entered.then(settle) : settle(entered);
  };

  const beginSpan = (record: CallRecord, arrival: Metadata, outside: boolean): Span => {
    const parent = parseTraceparent(arrival.header("traceparent"), arrival.header("tracestate"), outside);
    return tracer.begin("server", record.method.name, parent, performance.timeOrigin + record.startedAt);
  };

  return {
    admit(arrival, record) {
      inFlight++;
      answeringOf(record.method).value++;
      const ids = arrival.ids ?? idsOf(arrival);
      record.ids = ids;
      let credentials: Credentials | Promise<Credentials>;
      try {
        credentials = identify(record.method.policy, authenticate, arrival);
      } catch (thrown) {
        return unknown(arrival, record, thrown);
      }
      return credentials instanceof Promise
        ? credentials.then(
            (known) => identified(arrival, record, ids, known),
            (thrown: unknown) => unknown(arrival, record, thrown),
          )
        : identified(arrival, record, ids, credentials);
    },
    over(record, code) {
      const nowMs = performance.now();
      record.call?.finish();
      if (record.ids) {
        inFlight--;
        answeringOf(record.method).value--;
        if (inFlight === 0) for (const tell of waiting.splice(0)) tell();
      }
      if (record.enteredAt !== undefined) {
        room?.leave(record.method.index, nowMs - record.enteredAt, limitOutcome(code));
      }
      observe(record, code, nowMs - record.startedAt);
    },
    get inFlight() {
      return inFlight;
    },
    async settled(graceMs) {
      if (inFlight === 0) return;
      const done = new AbortController();
      const last = new Promise<void>((resolve) => waiting.push(resolve));
      await Promise.race([last, sleep(graceMs, undefined, { signal: done.signal }).catch(() => {})]);
      done.abort();
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

/** What the end of a call tells of how busy the service is. */
function limitOutcome(code: string): LimitOutcome {
  if (code === "ok") return "ok";
  return code === "deadline_exceeded" ? "dropped" : "ignore";
}

/**
 * Said once for many: to make an error, with its stack and details, costs more
 * than all else of turning a call away, and it is done most when time is short.
 */
function createOverloaded(): (places: WaitingRoom) => WeftError {
  let said: WeftError | undefined;
  let saidMs = 0;
  return (places) => {
    const nowMs = performance.now();
    if (!said || nowMs - saidMs > sayAgainMs) {
      said = overloaded(places);
      saidMs = nowMs;
    }
    return said;
  };
}

const sayAgainMs = 100;
const overloaded = ({ inFlight, waiting }: WaitingRoom) =>
  fail.exhausted(
    "overloaded",
    `this instance has ${inFlight} calls in flight, as many as it can answer in time, and ${waiting} wait`,
    { remedy: "call again" },
  );

/** Only the gateway may say that a call comes from elsewhere than its socket. */
function clientOf(arrival: Arrival, service: string | undefined, address: string): Call["client"] {
  const trusted = service === edge;
  const forwarded = trusted ? (arrival.header("x-forwarded-for")?.split(",")[0]?.trim() ?? "") : "";
  const userAgent = (trusted && arrival.header("x-forwarded-user-agent")) || arrival.header("user-agent");
  return { address: isIP(forwarded) ? forwarded : address, userAgent: (userAgent ?? "").slice(0, 256) };
}
