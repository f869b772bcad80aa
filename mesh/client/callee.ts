import type { DescMethod } from "@bufbuild/protobuf";
import type { Directory } from "../discovery/directory.ts";
import type { Instance } from "../discovery/instance.ts";
import type { Bulkhead, BulkheadPolicy } from "../resilience/bulkhead.ts";
import { createBulkhead } from "../resilience/bulkhead.ts";
import type { Hedge } from "../resilience/hedge.ts";
import { createHedge, hedgePolicy } from "../resilience/hedge.ts";
import { createRetryBudget } from "../resilience/retry-budget.ts";
import type { CallMetrics } from "../telemetry/call-metrics.ts";
import { callPolicyOf } from "./call-policy.ts";
import type { ClientPolicy } from "./client-policy.ts";
import type { Endpoint, Lanes } from "./endpoint.ts";
import { createEndpoint } from "./endpoint.ts";
import { createEndpoints } from "./endpoints.ts";
import type { CalleeState } from "./unary-call.ts";

/** A service as this process calls it: what all calls to it share. */
export interface Callee extends CalleeState {
  readonly bulkhead: Bulkhead;
  hedgeOf(method: DescMethod): Hedge | undefined;
  close(): void;
}

export interface CalleeOptions {
  name: string;
  directory: Directory;
  /** The id of the calling instance. */
  callerId: string;
  policy: ClientPolicy;
  /** As the callee's contract has it. */
  bulkhead: BulkheadPolicy;
  metrics: CallMetrics;
  openLanes: (instance: Instance) => Lanes;
  /** A clock that does not go back. Default: that of the process. */
  now?: () => number;
  random?: () => number;
}

export function createCallee(options: CalleeOptions): Callee {
  const { name, directory, callerId, policy, metrics, openLanes } = options;
  const { now = () => performance.now(), random = Math.random } = options;
  const hedges = new Map<DescMethod, Hedge>();

  const used = new Set<Endpoint>();
  const open = (instance: Instance): Endpoint => {
    const endpoint = createEndpoint({
      instance,
      lanes: openLanes(instance),
      now,
      policy: policy.breaker,
      onChange: (state) => {
        // Calls may still end at an instance that is not used any more; its numbers are gone for good.
        if (!used.has(endpoint)) return;
        metrics.breakerState(name, endpoint.name, state === "half-open" ? "half_open" : state);
      },
    });
    used.add(endpoint);
    metrics.breakerState(name, endpoint.name, "closed");
    return endpoint;
  };
  const endpoints = createEndpoints({
    service: name,
    directory,
    callerId,
    subsetSize: policy.subsetSize,
    random,
    now,
    open,
    dismiss: (endpoint) => {
      used.delete(endpoint);
      endpoint.lanes.close();
      metrics.forget(name, endpoint.name);
    },
  });

  return {
    name,
    endpoints,
    budget: createRetryBudget({ policy: policy.retryBudget, now }),
    bulkhead: createBulkhead({ callee: name, policy: options.bulkhead }),
    metrics,
    readyMs: policy.readyMs,
    now,
    random,
    hedgeOf(method) {
      const wanted = callPolicyOf(method).hedge;
      if (!wanted) return undefined;
      let hedge = hedges.get(method);
      if (!hedge) {
        const { delayMs } = wanted;
        hedge = createHedge({ now, policy: { ...hedgePolicy, ...(delayMs !== undefined && { delayMs }) } });
        hedges.set(method, hedge);
      }
      return hedge;
    },
    close: () => endpoints.close(),
  };
}
