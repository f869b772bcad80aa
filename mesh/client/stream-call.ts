import { setTimeout as sleep } from "node:timers/promises";
import type { DescMethodStreaming } from "@bufbuild/protobuf";
import type { StreamResponse } from "@connectrpc/connect";
import { ConnectError } from "@connectrpc/connect";
import { fail } from "../errors.ts";
import type { Proof } from "../identity/credentials.ts";
import { backoffMs } from "../resilience/backoff.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { traceparentOf } from "../telemetry/tracer.ts";
import type { Callee } from "./callee.ts";
import type { Departure, HeadersGiven } from "./departure.ts";
import { fieldsGiven, inTime, whenAborted } from "./departure.ts";
import type { Endpoint } from "./endpoint.ts";
import { headerOf } from "./general-unary.ts";
import { noteCall } from "./note-call.ts";
import { breakerOpen, noInstance } from "./nowhere.ts";
import { createReplay } from "./replay.ts";
import type { Verdict } from "./retry-policy.ts";
import { judgeFailure } from "./retry-policy.ts";
import { settleAnswered, settleFailed } from "./settle.ts";
import { isUnprocessed } from "./unprocessed.ts";

export interface StreamMeans {
  callee: Callee;
  telemetry: Telemetry;
  departure: Departure;
  prove: () => Proof | Promise<Proof>;
  /** The caller wants it to end in time; otherwise it lasts as long as the contract lets it. */
  timed: boolean;
}

type Response = StreamResponse<never, never>;

/**
 * A call that streams: it finds its instance as any other, but once an instance
 * took it, it is not made again, for what was sent cannot be sent again.
 */
export async function streamCall(
  { callee, telemetry, departure, prove, timed }: StreamMeans,
  method: DescMethodStreaming,
  signal: AbortSignal | undefined,
  header: HeadersGiven,
  input: AsyncIterable<unknown>,
): Promise<Response> {
  const { policy, call, span, requestId, correlationId, startedMs, budgetMs } = departure;
  const over = new AbortController();
  const messages = createReplay(input);
  const inFlight = telemetry.calls.clientInFlight(callee.name);
  inFlight.value++;
  const journey = { attempts: 0, endpoint: undefined as Endpoint | undefined };
  let off: (() => void) | undefined;
  let deadline: NodeJS.Timeout | undefined;
  let isOver = false;
  const end = (failure?: unknown) => {
    if (isOver) return;
    isOver = true;
    off?.();
    clearTimeout(deadline);
    messages.close();
    inFlight.value--;
    noteCall(telemetry, callee.name, departure, journey, failure);
  };
  // Whoever leaves does not look at what comes after, so this is the end.
  const abort = (error: ConnectError) => {
    over.abort(error);
    end(error);
  };
  const leftMs = () => Math.max(1, Math.ceil(startedMs + budgetMs - performance.now()));
  const attempt = async (endpoint: Endpoint, shown: Proof): Promise<Response> => {
    journey.attempts++;
    journey.endpoint = endpoint;
    const traceparent = traceparentOf(span);
    const fields = fieldsGiven(header, shown.fields);
    const { authorization, statement } = shown;
    return endpoint.lanes.stream.stream(
      method,
      over.signal,
      timed ? leftMs() : undefined,
      headerOf({ requestId, correlationId, traceparent, fields, authorization, statement }),
      messages as AsyncIterable<never>,
    ) as Promise<Response>;
  };

  try {
    off = whenAborted(call, signal, abort);
    if (timed) {
      const late = `${policy.name} did not end within its ${Math.round(budgetMs)} ms`;
      deadline = setTimeout(() => abort(fail.deadline("deadline_exceeded", late)), leftMs());
    }
    const proof = prove();
    const shown = proof instanceof Promise ? await inTime(departure, signal, proof) : proof;
    const response = await whereSomebodyTakesIt(
      callee,
      over.signal,
      (endpoint) => attempt(endpoint, shown),
      () => messages.possible,
    );
    return { ...response, message: watched(response.message, end) };
  } catch (thrown) {
    end(thrown);
    throw thrown;
  }
}

/** Tries one instance after the other while none has taken the call. */
async function whereSomebodyTakesIt(
  { name, endpoints, readyMs, metrics, now, random }: Callee,
  signal: AbortSignal,
  attempt: (endpoint: Endpoint) => Promise<Response>,
  mayRepeat: () => boolean,
): Promise<Response> {
  const startedMs = now();
  let tried: Endpoint[] = [];
  let waits = 0;
  let last: unknown = noInstance(name);
  for (;;) {
    const endpoint = endpoints.pick(tried);
    if (endpoint && !tried.includes(endpoint)) {
      tried.push(endpoint);
      const outcome = await tryAt(endpoint, now, attempt);
      if (outcome.response) return outcome.response;
      if (!mayRepeat() || !(outcome.verdict === "absent" || outcome.verdict === "leaving"))
        throw outcome.failure;
      last = outcome.failure;
      continue;
    }
    const shut = endpoint ? undefined : breakerOpen(endpoints.all);
    if (shut) {
      metrics.rejected("out", name, "breaker");
      throw shut;
    }
    const waitMs = backoffMs(++waits, random, 0, { baseMs: 25, maxMs: 500 });
    const sinceMs = Math.min(startedMs, endpoints.emptySinceMs ?? startedMs);
    if (now() - sinceMs + waitMs >= readyMs) throw last;
    await sleep(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    tried = [];
  }
}

type Tried =
  | { response: Response; failure?: undefined; verdict?: undefined }
  | { response?: undefined; failure: unknown; verdict: Verdict };

async function tryAt(
  endpoint: Endpoint,
  now: () => number,
  attempt: (endpoint: Endpoint) => Promise<Response>,
): Promise<Tried> {
  const ticket = endpoint.breaker.begin();
  const startedMs = now();
  endpoint.load.begin();
  try {
    const response = await attempt(endpoint);
    // How long it goes on from here says nothing of how quick its instance is.
    settleAnswered(endpoint, ticket, now() - startedMs);
    return { response };
  } catch (failure) {
    const verdict = judgeFailure({ error: ConnectError.from(failure), processed: !isUnprocessed(failure) });
    // Not heard: a caller that leaves, or whose own messages fail, ends it the same way. What the
    // instance itself says no with comes within the response, so little is lost.
    settleFailed(endpoint, ticket, now() - startedMs, verdict, false);
    return { failure, verdict };
  }
}

async function* watched(
  messages: AsyncIterable<never>,
  end: (failure?: unknown) => void,
): AsyncGenerator<never, void> {
  try {
    yield* messages;
  } catch (thrown) {
    end(thrown);
    throw thrown;
  } finally {
    end();
  }
}
