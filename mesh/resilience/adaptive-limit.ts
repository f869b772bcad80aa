import { type AdaptiveLimitPolicy, adaptiveLimitPolicy } from "./adaptive-limit-policy.ts";
import { createNaturalLatency } from "./natural-latency.ts";

/**
 * How a call ended, for the limiter. `ok`: it did the work of its method. `dropped`:
 * its deadline passed while it was here. `ignore`: it says nothing about load, such as
 * a stream, a call that waits by design, one refused before its work, one cancelled.
 */
export type LimitOutcome = "ok" | "dropped" | "ignore";

/** Lets as many calls into a service as it can serve in time, and turns the rest away at once. */
export interface AdaptiveLimit {
  /** Takes a place; who got one must `leave`. */
  tryEnter(): boolean;
  /** `method` is its index, below `methods`; the duration includes what it waited for the event loop. */
  leave(method: number, durationMs: number, outcome: LimitOutcome): void;
  readonly limit: number;
  readonly inFlight: number;
}

export interface AdaptiveLimitOptions {
  /** How many methods the service has. */
  methods: number;
  /** Default `adaptiveLimitPolicy`. */
  policy?: AdaptiveLimitPolicy;
  /** A clock that does not go back. */
  now: () => number;
}

/** A drain may take this part of the time, at most. */
const drainShare = 1 / 20;
/** With more dropped than this among the answers, even the least limit is too much. */
const tooManyDropped = 0.1;
const longestPeriodMs = 1000;
const floorCut = 0.8;
/** What the calls at a lowered floor may take, by Little's law: half of a common deadline. */
const goodWaitMs = 500;
const floorGrowthPerSecond = 0.02;

/**
 * Vegas-like (a queue is estimated from latency and held at a set length), with the
 * queue in milliseconds rather than calls, for what matters to callers is time. The
 * gradient designs compare with a long average, which under lasting overload becomes
 * the overload's own; here the natural latency only ever falls, and rises by measuring
 * anew: from quiet times when there are any, else, as BBR and Envoy do, by letting the
 * queue run dry for a moment. That is done gently, admitting one call for two that
 * leave, so that a service which waits (not computes) loses little meanwhile.
 */
export function createAdaptiveLimit(options: AdaptiveLimitOptions): AdaptiveLimit {
  const { methods, policy = adaptiveLimitPolicy, now } = options;
  const { minLimit, maxLimit, queueMs, queueShare, tickMs, refreshMs, drainMaxMs } = policy;
  const latency = createNaturalLatency({ methods, queueMs, queueShare, tickMs });

  let inFlight = 0;
  let limit = policy.startLimit;
  /** What holds now: the limit, or less during a drain. */
  let cap = limit;
  /** The least limit; below the policy's only when calls are dropped at that, too. */
  let floor = minLimit;
  let floorCutMs = Number.NEGATIVE_INFINITY;

  // Since the last change of the limit.
  let tickedMs = now();
  let periodMs = tickMs;
  let samples = 0;
  let durations = 0;
  let dropped = 0;
  let peak = 0;
  let shed = false;

  // Since the natural latencies were last renewed.
  let renewedMs = tickedMs;
  let wasCalm = false;
  let hasShed = false;

  // The drain.
  let draining = false;
  let drainTo = 0;
  let drainStartMs = 0;
  let drainedMs = Number.POSITIVE_INFINITY;
  let nextDrainMs = 0;

  const startPeriod = (nowMs: number) => {
    renewedMs = nowMs;
    wasCalm = false;
    hasShed = false;
  };

  const startDrain = (nowMs: number, allowed: number) => {
    draining = true;
    drainStartMs = nowMs;
    drainedMs = Number.POSITIVE_INFINITY;
    // Twice the queue that is allowed, so that a mistaken natural latency shrinks with each drain.
    drainTo = Math.max(1, limit / 2, limit - 2 * allowed);
    cap = Math.max(drainTo, Math.min(limit, inFlight));
  };

  const endDrain = (nowMs: number) => {
    const done = drainedMs <= nowMs && latency.adopt(nowMs);
    if (!done && nowMs - drainStartMs < drainMaxMs) return;
    draining = false;
    cap = limit;
    nextDrainMs = nowMs + (nowMs - drainStartMs) / drainShare;
    if (!done) latency.discard(nowMs);
    startPeriod(nowMs);
    peak = inFlight;
    shed = false;
  };

  const drain = (nowMs: number) => {
    if (nowMs - drainStartMs >= drainMaxMs) return endDrain(nowMs);
    cap = Math.max(drainTo, cap - 0.5);
    if (inFlight <= drainTo && drainedMs === Number.POSITIVE_INFINITY) {
      drainedMs = nowMs;
      latency.discard(nowMs);
    }
  };

  /** Deadlines that pass at the least limit show that it is too much: calls of 100 ms CPU time, say. */
  const moveFloor = (nowMs: number, elapsedMs: number, pressed: boolean) => {
    if (pressed && dropped > samples * tooManyDropped) {
      const inTime = (samples / elapsedMs) * goodWaitMs;
      floor = Math.max(1, Math.min(floor * floorCut, inTime));
      limit = Math.max(floor, limit * floorCut);
      floorCutMs = nowMs;
    } else if (floor < minLimit) {
      floor = Math.min(minLimit, floor * (1 + (floorGrowthPerSecond * elapsedMs) / 1000));
    }
  };

  const moveLimit = (slack: number, pressed: boolean) => {
    if (slack < 0 && peak > floor) {
      // From what was in use: of a limit that nobody reached there is nothing to cut.
      const used = Math.min(limit, peak);
      limit = Math.min(limit, Math.max(used / 2, used + slack));
    } else if (slack > 0 && pressed) {
      limit += Math.min(Math.max(1, slack / 2), limit / 4);
    }
    limit = Math.min(maxLimit, Math.max(floor, limit));
  };

  const tick = (nowMs: number) => {
    const elapsedMs = nowMs - tickedMs;
    const pressed = peak > limit / 2;
    tickedMs = nowMs;
    moveFloor(nowMs, elapsedMs, pressed);
    // A change shows in the latencies one call later; thought over sooner, it is made again and again.
    periodMs = Math.min(longestPeriodMs, Math.max(tickMs, durations / samples));
    samples = 0;
    durations = 0;
    dropped = 0;
    if (draining) return endDrain(nowMs);
    const reading = latency.read(nowMs);
    if (reading) {
      moveLimit(reading.slack, pressed);
      if (!shed && !pressed) wasCalm = true;
      if (shed) hasShed = true;
      // At the floor, long latencies are hardly a queue: find out soon what they are.
      const ageMs = pressed && reading.slack < 0 && limit <= floor ? refreshMs / 5 : refreshMs;
      if (nowMs - renewedMs >= ageMs) {
        if (wasCalm) {
          latency.renew();
          startPeriod(nowMs);
        } else if (hasShed && nowMs >= nextDrainMs) {
          startDrain(nowMs, reading.allowed);
        }
      }
      peak = inFlight;
      shed = false;
    }
    if (!draining) cap = limit;
  };

  return {
    tryEnter() {
      // A cap of 7.6 lets 7 in.
      if (inFlight + 1 > cap) {
        shed = true;
        return false;
      }
      if (++inFlight > peak) peak = inFlight;
      return true;
    },
    leave(method, durationMs, outcome) {
      if (inFlight > 0) inFlight--;
      const nowMs = now();
      if (draining) drain(nowMs);
      if (outcome === "ignore") return;
      // After a drain only calls that began after it saw no queue.
      if (!draining || drainedMs === Number.POSITIVE_INFINITY || nowMs - durationMs >= drainedMs) {
        latency.add(method, durationMs, nowMs);
      }
      samples++;
      durations += durationMs;
      // Calls let in before the last cut come late whatever was cut; they must not count again.
      if (outcome === "dropped" && nowMs - durationMs >= floorCutMs) dropped++;
      const sinceMs = nowMs - tickedMs;
      if (sinceMs >= periodMs && (samples >= 16 || sinceMs >= longestPeriodMs)) tick(nowMs);
    },
    get limit() {
      return Math.floor(cap);
    },
    get inFlight() {
      return inFlight;
    },
  };
}
