import { OrderService } from "#gen/order/v1/order_pb.js";
import type { Running, Setup } from "#mesh";
import { handlers } from "#mesh";
import type { orderFields } from "./config.ts";
import { consumers } from "./consumers.ts";
import { createCreation } from "./creation.ts";
import { countOverdue } from "./due-store.ts";
import type { LoopsOptions } from "./loops.ts";
import { startExpiry, startSteps } from "./loops.ts";
import { createOrderMetrics } from "./order-metrics.ts";
import { orders } from "./orders.ts";
import type { peerContracts } from "./peers.ts";
import { createRecord } from "./record.ts";
import { createStepRunner } from "./step-runner.ts";
import { createPerform, stepTimeoutMs } from "./steps.ts";

/** What tests replace. */
export interface World {
  now: () => number;
  random: () => number;
  /** How often each replica looks for what others may have left. Default 1 s. */
  paceMs: number;
}

type Given = Setup<typeof peerContracts, typeof orderFields>;

/** Twice what a step may take: who is silent for that long will not come back to it. */
export const leaseMs = 2 * stepTimeoutMs + 5000;

/** From then on somebody should look. */
const overdueMs = 5 * 60_000;

/** Puts the parts together. */
export const setUp =
  ({ now = Date.now, random = Math.random, paceMs = 1000 }: Partial<World>) =>
  ({ db, calls: peers, events, config, log, metrics: all, health, stopping }: Given): Running => {
    const metrics = createOrderMetrics(all);
    const payWithinMs = config.ORDER_PAY_WITHIN;
    const record = createRecord({ events, metrics, leaseMs, due: () => steps.wake(), now });
    const perform = createPerform({ sql: db.sql, peers, payWithinMs, now });
    const runner = createStepRunner({ db, perform, record, metrics, leaseMs, log, now, random });
    const looping: LoopsOptions = { db, runner, record, paceMs, leaseMs, log, now, stopping };
    const steps = startSteps(looping);
    const expiry = startExpiry(looping);

    health.add({
      name: "order steps",
      critical: false,
      check: async () => {
        const count = await countOverdue(db.sql, new Date(now() - overdueMs));
        if (count > 0)
          throw new Error(`${count} orders wait for a step that is overdue; the log says which fails`);
      },
    });
    const mostUnpaid = config.ORDER_UNPAID_MOST;
    const create = createCreation({ db, runner, metrics, payWithinMs, mostUnpaid, leaseMs, now, random });
    return {
      rpc: [handlers(OrderService, orders({ db, create, record, runner }))],
      on: consumers({ record, log }),
      stop: async () => {
        await Promise.all([steps.ended, expiry.ended]);
      },
    };
  };
