import { create } from "@bufbuild/protobuf";
import type { CallPolicy } from "../client/call-policy.ts";
import type { Callee } from "../client/callee.ts";
import type { Endpoint, Lanes } from "../client/endpoint.ts";
import { createEndpoint } from "../client/endpoint.ts";
import { createEndpoints } from "../client/endpoints.ts";
import type { LaneRequest, Settle } from "../client/lane.ts";
import type { Verdict } from "../client/retry-policy.ts";
import { unreachable } from "../client/unreachable.ts";
import type { Directory } from "../discovery/directory.ts";
import type { Instance } from "../discovery/instance.ts";
import { staticInstance } from "../discovery/static-directory.ts";
import { fail } from "../errors.ts";
import type { Failure } from "../express/failure.ts";
import type { BreakerPolicy } from "../resilience/breaker-policy.ts";
import { breakerPolicy } from "../resilience/breaker-policy.ts";
import type { BulkheadPolicy } from "../resilience/bulkhead.ts";
import { createBulkhead } from "../resilience/bulkhead.ts";
import type { Hedge } from "../resilience/hedge.ts";
import type { RetryBudgetPolicy } from "../resilience/retry-budget.ts";
import { createRetryBudget } from "../resilience/retry-budget.ts";
import { ProbeService } from "./probe.ts";

/** A directory that a test fills and empties. */
export interface ScriptedDirectory extends Directory {
  set(instances: readonly Instance[]): void;
}

export function scriptedDirectory(first: readonly Instance[] = []): ScriptedDirectory {
  let known = first;
  return {
    instances: () => known,
    watch: () => () => {},
    close: () => {},
    set: (instances) => {
      known = instances;
    },
  };
}

/** `order@10.0.0.<n>:8012` */
export const instanceAt = (n: number, more: Partial<Instance> = {}): Instance => ({
  ...staticInstance("order", `10.0.0.${n}`, 8012),
  ...more,
});

/** One try as the lane sees it. */
export interface Try {
  readonly at: string;
  /** What was left of the time when it began. */
  readonly timeoutMs: number;
  readonly request: LaneRequest;
  readonly settle: Settle;
  cancelled: boolean;
  /** What a lane does when a try is given up. */
  onCancel: () => void;
}

/** How often the callee's endpoints were told what. */
export interface Counts {
  begun: number;
  ended: number;
  tickets: number;
  reports: number;
}

export interface ScriptedCallee {
  readonly callee: Callee;
  readonly directory: ScriptedDirectory;
  readonly tries: readonly Try[];
  readonly counts: Counts;
  /** What the breakers were told, in order. */
  readonly reports: readonly string[];
  /** What was counted, in words. */
  readonly noted: readonly string[];
  readonly dismissed: readonly string[];
}

export interface ScriptedCalleeOptions {
  instances?: readonly Instance[];
  readyMs?: number;
  now?: () => number;
  random?: () => number;
  budget?: RetryBudgetPolicy;
  breaker?: Partial<BreakerPolicy>;
  bulkhead?: BulkheadPolicy;
  hedge?: Hedge;
  subsetSize?: number;
  stream?: (at: Endpoint["name"]) => Lanes["stream"];
  /** What a try meets with; by default it waits for the test. */
  onTry?: (it: Try) => void;
}

/** A callee whose instances do what the test says; everything else about it is real. */
export function scriptedCallee(options: ScriptedCalleeOptions = {}): ScriptedCallee {
  const { now = () => performance.now(), random = () => 0, onTry = () => {}, hedge } = options;
  const directory = scriptedDirectory(options.instances ?? [instanceAt(1), instanceAt(2)]);
  const tries: Try[] = [];
  const noted: string[] = [];
  const dismissed: string[] = [];
  const reports: string[] = [];
  const counts = { begun: 0, ended: 0, tickets: 0, reports: 0 };

  const open = (instance: Instance): Endpoint => {
    const lanes: Lanes = {
      unary: {
        start(request, settle) {
          const { timeoutMs } = request;
          const it: Try = {
            at: endpoint.name,
            timeoutMs,
            request,
            settle,
            cancelled: false,
            onCancel: () => {},
          };
          tries.push(it);
          onTry(it);
          return () => {
            it.cancelled = true;
            it.onCancel();
          };
        },
        close: () => {},
      },
      stream: options.stream?.(`${instance.service}@${instance.host}:${instance.port}`) ?? noStreams,
      close: () => void dismissed.push(endpoint.name),
    };
    const policy = { ...breakerPolicy, ...options.breaker };
    const endpoint = counted(createEndpoint({ instance, lanes, now, policy }), counts, reports);
    return endpoint;
  };
  const endpoints = createEndpoints({
    service: "order",
    directory,
    callerId: "me",
    subsetSize: options.subsetSize ?? 32,
    random,
    now,
    open,
    dismiss: ({ lanes }) => lanes.close(),
  });
  const callee: Callee = {
    name: "order",
    endpoints,
    budget: createRetryBudget({ now, ...(options.budget && { policy: options.budget }) }),
    bulkhead: createBulkhead({ callee: "order", ...(options.bulkhead && { policy: options.bulkhead }) }),
    metrics: {
      retried: (name, reason) => void noted.push(`retried ${name} ${reason}`),
      hedged: (name) => void noted.push(`hedged ${name}`),
      rejected: (direction, peer, by) => void noted.push(`rejected ${direction} ${peer} ${by}`),
    },
    readyMs: options.readyMs ?? 5000,
    now,
    random,
    hedgeOf: () => hedge,
    close: () => endpoints.close(),
  };
  return { callee, directory, tries, counts, reports, noted, dismissed };
}

const noStreams: Lanes["stream"] = {
  unary: () => Promise.reject(new Error("this lane is for streams")),
  stream: () => Promise.reject(new Error("no test said what streams do")),
};

function counted(endpoint: Endpoint, counts: Counts, reports: string[]): Endpoint {
  const { load, breaker } = endpoint;
  const told =
    (what: "succeeded" | "failed" | "cancelled") =>
    (ticket: number): void => {
      counts.reports++;
      reports.push(what);
      breaker[what](ticket);
    };
  return {
    ...endpoint,
    load: {
      begin: () => {
        counts.begun++;
        load.begin();
      },
      end: (latencyMs) => {
        counts.ended++;
        load.end(latencyMs);
      },
      rejected: () => {
        counts.ended++;
        load.rejected();
      },
      cost: () => load.cost(),
      get inFlight() {
        return load.inFlight;
      },
    },
    breaker: {
      admits: () => breaker.admits(),
      describe: () => breaker.describe(),
      get state() {
        return breaker.state;
      },
      begin: () => {
        counts.tickets++;
        return breaker.begin();
      },
      succeeded: told("succeeded"),
      failed: told("failed"),
      cancelled: told("cancelled"),
    },
  };
}

export const usualPolicy: CallPolicy = {
  name: "order.v1.OrderService/GetOrder",
  path: "/order.v1.OrderService/GetOrder",
  timeoutMs: 1000,
  repeatable: true,
  maxAttempts: 4,
  quiet: false,
  hedge: undefined,
};

export const requestWithin = (timeoutMs: number): LaneRequest => ({
  method: ProbeService.method.look,
  input: create(ProbeService.method.look.input, {}),
  path: usualPolicy.path,
  timeoutMs,
  authorization: "",
  statement: "",
  requestId: "r1",
  correlationId: "c1",
  traceparent: "",
  fields: undefined,
  message: new Uint8Array(),
});

/** A failure of each kind, as lanes tell of it. */
export const failures: Readonly<Record<Verdict, () => Failure>> = {
  answer: () => ({ error: fail.notFound("order_not_found", "no order has this id"), processed: true }),
  absent: () => ({
    error: unreachable("10.0.0.1:8012", new Error("connect ECONNREFUSED")),
    processed: false,
  }),
  leaving: () => ({ error: fail.unavailable("stopping", "this instance is stopping"), processed: false }),
  overloaded: () => ({
    error: fail.exhausted("overloaded", "too many calls are in flight"),
    processed: false,
  }),
  broken: () => ({
    error: fail.unavailable("connection_lost", "the connection was lost"),
    processed: true,
  }),
};

export const emptyAnswer = { header: undefined, trailer: undefined, message: new Uint8Array() };
