import { Code } from "@connectrpc/connect";
import type { Logger, Metrics, Nats } from "#mesh";
import type { LiveCall } from "#mesh/call/live-call.ts";
import { toWireError } from "#mesh/errors.ts";
import type { Exchange } from "../edge/exchange.ts";
import type { Keeping, Kept } from "../edge/keeping.ts";
import { statusOf } from "../edge/status.ts";
import type { Answer } from "./answers.ts";
import { createAnswers } from "./answers.ts";
import { createCacheMetrics } from "./cache-metrics.ts";
import type { CachedRoute } from "./cached-route.ts";
import { createCachedRoutes } from "./cached-route.ts";
import { wishOf } from "./directives.ts";
import type { Flight } from "./flights.ts";
import { landingFor, takeOff } from "./flights.ts";
import type { Invalidation } from "./invalidation.ts";
import { openInvalidation } from "./invalidation.ts";
import { isShared, keyOf } from "./key.ts";
import type { Source } from "./shown-header.ts";
import { shownHeader } from "./shown-header.ts";
import { keepForMs } from "./terms.ts";

export interface CacheOptions {
  /** Most memory for answers and their keys; 0 keeps none. */
  readonly maxBytes: number;
  readonly invalidation: Invalidation;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
  /** Only differences count. Default: `performance.now`. */
  readonly now?: (() => number) | undefined;
}

export interface CachingOptions extends Omit<CacheOptions, "invalidation"> {
  readonly nats: Nats;
}

export interface Caching {
  /** Keeps answers of methods whose contract allows it, and leaves all else to `next`. */
  keeping(next: Keeping): Keeping;
  /** Memory that answers take now. */
  bytes(): number;
  close(): void;
}

export function createCaching({ nats, ...options }: CachingOptions): Caching {
  const invalidation = openInvalidation({ nats, log: options.log });
  return { ...createCache({ ...options, invalidation }), close: invalidation.close };
}

/** One request, with what it takes to answer it from here or from the service. */
interface Question {
  readonly key: string;
  readonly route: CachedRoute;
  readonly call: LiveCall;
  readonly fresh: boolean;
  readonly shared: boolean;
  readonly keepable: boolean;
  readonly produce: () => Promise<Kept>;
}

/**
 * Answers of methods that only read, kept for as long as their contract says
 * and no event ends them. A service that is asked the same by many at once is
 * asked once. While the broker is away its events are not heard: then methods
 * that have such events are asked each time, and what was kept before is given
 * only where the contract allows answers that are out of date.
 */
export function createCache(options: CacheOptions): Omit<Caching, "close"> {
  const { maxBytes, invalidation, log, metrics, now = () => performance.now() } = options;
  const answers = createAnswers(maxBytes);
  const count = createCacheMetrics(metrics, answers);
  const cachedRoute = createCachedRoutes({ invalidation, log });
  const flights = new Map<string, Flight>();

  const isFresh = ({ hearing }: CachedRoute, answer: Answer): boolean =>
    now() - answer.askedMs < answer.maxAgeMs &&
    hearing.isLive() &&
    answer.events === hearing.events() &&
    answer.gaps === hearing.gaps();

  const show = (question: Question, kept: Kept, source: Source, askedMs: number, maxAgeMs: number): Kept => {
    const { route, shared, keepable } = question;
    const header = shownHeader(kept.header, {
      source,
      ageMs: now() - askedMs,
      maxAgeMs: Math.min(maxAgeMs, route.othersMaxAgeMs),
      staleMs: route.policy.staleIfErrorMs,
      shared,
      keepable,
    });
    return { status: kept.status, data: kept.data, header };
  };

  /** Asks the service, for all who ask the same meanwhile. */
  const lead = async (question: Question): Promise<Kept> => {
    const { key, route, call, shared, produce } = question;
    const { hearing, policy } = route;
    const live = hearing.isLive();
    const flight = takeOff(now(), hearing.events(), hearing.gaps());
    if (live) flights.set(key, flight);
    try {
      const kept = await produce();
      const maxAgeMs = keepForMs(kept.header, policy.maxAgeMs, shared);
      if (maxAgeMs === undefined) {
        flight.land({ is: "private" });
        return { ...kept, header: ["x-cache", "MISS", ...(kept.header ?? [])] };
      }
      const { askedMs, events, gaps } = flight;
      // An event came while it was on its way: it may be from before or from after.
      const holds = live && events === hearing.events() && gaps === hearing.gaps();
      if (holds) answers.put(key, { kept, askedMs, maxAgeMs, events, gaps });
      flight.land({ is: "answered", kept, maxAgeMs });
      return show(question, kept, "MISS", askedMs, maxAgeMs);
    } catch (error) {
      flight.land(isOwnEnd(call, error) ? { is: "left" } : { is: "failed", error });
      throw error;
    } finally {
      if (flights.get(key) === flight) flights.delete(key);
    }
  };

  const ask = async (question: Question): Promise<Kept> => {
    const { key, call, fresh } = question;
    const { hearing } = question.route;
    for (;;) {
      const flight = fresh || !hearing.isLive() ? undefined : flights.get(key);
      // One that took off before an event brings what was so before it.
      if (!flight || flight.events !== hearing.events() || flight.gaps !== hearing.gaps())
        return lead(question);
      const landing = await landingFor(flight, call);
      if (landing.is === "answered")
        return show(question, landing.kept, "MISS", flight.askedMs, landing.maxAgeMs);
      if (landing.is === "failed") throw landing.error;
      if (landing.is === "private") return lead(question);
    }
  };

  /** What is kept, out of date, for a service that cannot answer. */
  const staleFor = ({ key, route, call }: Question, error: unknown): Answer | undefined => {
    const answer = answers.get(key);
    if (!answer || !isUnavailable(call, error)) return undefined;
    const usable =
      answer.events === route.hearing.events() &&
      now() - answer.askedMs < answer.maxAgeMs + route.policy.staleIfErrorMs;
    return usable ? answer : undefined;
  };

  const answer = async (question: Question): Promise<Kept> => {
    try {
      const kept = await ask(question);
      count.miss();
      return kept;
    } catch (error) {
      const stale = staleFor(question, error);
      if (!stale) throw error;
      count.stale();
      return show(question, stale.kept, "STALE", stale.askedMs, stale.maxAgeMs);
    }
  };

  const keeping =
    (next: Keeping): Keeping =>
    (exchange, route, call, message, produce) => {
      const { cache } = route;
      if (cache === undefined) return next(exchange, route, call, message, produce);
      const cached = cachedRoute(route, cache);
      const { method: verb, headers } = exchange.request;
      const isGet = verb === "GET" || verb === "HEAD";
      if (!cached) return next(exchange, route, call, message, produce);
      const wish = wishOf(headers["cache-control"]);
      const key =
        wish === "none" || isConditional(exchange)
          ? undefined
          : keyOf(cached, call, headers["accept-language"], message);
      if (key === undefined) {
        count.passed();
        return produce();
      }
      const question: Question = {
        key,
        route: cached,
        call,
        fresh: wish === "fresh",
        shared: isShared(cached, call),
        keepable: isGet && route.status === 200,
        produce,
      };
      const kept = question.fresh ? undefined : answers.get(key);
      if (!kept || !isFresh(cached, kept)) return answer(question);
      count.hit();
      return show(question, kept.kept, "HIT", kept.askedMs, kept.maxAgeMs);
    };

  return { keeping: (next) => (maxBytes > 0 ? keeping(next) : next), bytes: () => answers.bytes };
}

/** Services are told of these, and may answer by them. */
const isConditional = ({ request: { headers } }: Exchange): boolean =>
  headers["if-match"] !== undefined || headers.range !== undefined || headers["last-event-id"] !== undefined;

/** The one who asked is gone or out of time, which another who asks the same may not be. */
const isOwnEnd = (call: LiveCall, error: unknown): boolean => {
  if (call.ended !== undefined) return true;
  const { code } = toWireError(error);
  return code === Code.Canceled || code === Code.DeadlineExceeded;
};

/** The service is away, too slow or broken, as HTTP has it. */
function isUnavailable(call: LiveCall, error: unknown): boolean {
  const wire = toWireError(error);
  const status = statusOf(wire);
  return wire.code !== Code.Canceled && (status === 502 || status === 503 || status === 504) && !hungUp(call);
}

const hungUp = (call: LiveCall): boolean =>
  call.ended !== undefined && toWireError(call.ended).code === Code.Canceled;
