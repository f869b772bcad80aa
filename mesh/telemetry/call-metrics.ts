import type { Metrics } from "../metrics/metrics.ts";
import type { Cell } from "./tally.ts";
import { createCells, createTallies, measure } from "./tally.ts";

/** What turned a call away before its handler ran. */
export type RejectedBy = "breaker" | "bulkhead" | "budget" | "limit" | "deadline" | "fault";

export type BreakerState = "closed" | "half_open" | "open";

export interface CallMetrics {
  /** A call was answered. `method` must come from a contract, never from the wire. */
  server(method: string, code: string, caller: string, seconds: number): void;
  /** A call was made; a try that was repeated is not a call of its own. */
  client(callee: string, method: string, code: string, seconds: number): void;
  /** Calls being answered: add and take away one. */
  serverInFlight(method: string): Cell;
  /** Calls being made. */
  clientInFlight(callee: string): Cell;
  retried(callee: string, reason: string): void;
  hedged(callee: string): void;
  /** By this side's own rules: `out` for a call to `peer`, `in` for one from it. */
  rejected(direction: "in" | "out", peer: string, by: RejectedBy): void;
  breakerState(callee: string, instance: string, state: BreakerState): void;
  /** An instance is gone, and so are its numbers. */
  forget(callee: string, instance: string): void;
  /** Lines that the access log had to drop. */
  logLinesDropped(count: number): void;
}

const durationBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30];

/** Callers and callees are services, of which there are few; a caller's name is only as good as its token. */
const mostPeers = 100;

const states: Readonly<Record<BreakerState, number>> = { closed: 0, half_open: 1, open: 2 };

export function createCallMetrics(metrics: Metrics): CallMetrics {
  const answered = createTallies({
    name: "weft_rpc_server_duration_seconds",
    help: "Time to answer calls, by method, outcome and calling service.",
    labels: ["method", "code", "caller"],
    buckets: durationBuckets,
  });
  const made = createTallies({
    name: "weft_rpc_client_duration_seconds",
    help: "Time until calls were answered, tries and waiting included, by called service, method and outcome.",
    labels: ["callee", "method", "code"],
    buckets: durationBuckets,
  });
  const answering = createCells("gauge", {
    name: "weft_rpc_server_in_flight",
    help: "Calls being answered, by method.",
    labels: ["method"],
  });
  const making = createCells("gauge", {
    name: "weft_rpc_client_in_flight",
    help: "Calls waiting for their answer, by called service.",
    labels: ["callee"],
  });
  const retries = createCells("counter", {
    name: "weft_rpc_client_retries_total",
    help: "Tries beyond the first, by called service and what the try before failed with.",
    labels: ["callee", "reason"],
  });
  const hedges = createCells("counter", {
    name: "weft_rpc_client_hedges_total",
    help: "Second tries begun before the first was answered, by called service.",
    labels: ["callee"],
  });
  const rejections = createCells("counter", {
    name: "weft_rpc_rejected_total",
    help: "Calls turned away by the mesh itself, in or out, by the other service and by what.",
    labels: ["direction", "peer", "by"],
  });
  const breakers = createCells("gauge", {
    name: "weft_rpc_breaker_state",
    help: "Circuit breaker of an instance: 0 closed, 1 probing, 2 open.",
    labels: ["callee", "instance"],
  });
  const dropped = createCells("counter", {
    name: "weft_log_lines_dropped_total",
    help: "Access log lines lost because the log's destination is slow.",
    labels: [],
  });
  const all = [answered, made, answering, making, retries, hedges, rejections, breakers, dropped];
  for (const source of all) metrics.add(source);

  const callers = boundedNames(mostPeers);
  const callees = boundedNames(mostPeers);
  const reasons = boundedNames(mostPeers);
  return {
    server: (method, code, caller, seconds) => measure(answered.at(method, code, callers(caller)), seconds),
    client: (callee, method, code, seconds) => measure(made.at(callees(callee), method, code), seconds),
    serverInFlight: (method) => answering.at(method),
    clientInFlight: (callee) => making.at(callees(callee)),
    retried: (callee, reason) => void retries.at(callees(callee), reasons(reason)).value++,
    hedged: (callee) => void hedges.at(callees(callee)).value++,
    rejected: (direction, peer, by) => void rejections.at(direction, callees(peer), by).value++,
    breakerState(callee, instance, state) {
      breakers.at(callees(callee), instance).value = states[state];
    },
    forget: (callee, instance) => breakers.remove(callees(callee), instance),
    logLinesDropped(count) {
      dropped.at("").value += count;
    },
  };
}

/** Lets the first names through and calls the rest `other`. */
function boundedNames(most: number): (name: string) => string {
  const known = new Set<string>();
  return (name) => {
    if (known.has(name)) return name;
    if (known.size >= most) return "other";
    known.add(name);
    return name;
  };
}
