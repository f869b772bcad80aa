import { LedgerService, PaymentService } from "#gen/payment/v1/payment_pb.js";
import type { ConfigOf, Loop, Running, Setup } from "#mesh";
import { handlers, startLoop } from "#mesh";
import { callbacks } from "./callbacks.ts";
import { createNoteCharge } from "./charge-outcome.ts";
import { createCharging } from "./charging.ts";
import { closing } from "./closing.ts";
import type { paymentFields } from "./config.ts";
import { driveOrders, driveProvider } from "./driving.ts";
import { createGiveBack } from "./giving-back.ts";
import { ledger } from "./ledger.ts";
import { countOpen } from "./open-store.ts";
import type { Pauses } from "./pauses.ts";
import { createPaymentMetrics } from "./payment-metrics.ts";
import { payments } from "./payments.ts";
import type { peerContracts } from "./peers.ts";
import { openProviders } from "./providers/open-providers.ts";
import type { Providers } from "./providers/provider.ts";
import { timed } from "./providers/timed.ts";
import { createNoteRefund } from "./refund-outcome.ts";
import { createAdvanceRefund } from "./refunding.ts";
import { refunds } from "./refunds.ts";
import { requireNothingStuck } from "./stuck.ts";

/** What tests replace. */
export interface World {
  now: () => number;
  random: () => number;
  /** How often each replica looks for what others may have left. Default 1 s. */
  paceMs: number;
  providers: (config: ConfigOf<typeof paymentFields>, now: () => number) => Providers;
}

type Given = Setup<typeof peerContracts, typeof paymentFields>;

const secondMs = 1000;

/** Puts the parts together. */
export const setUp =
  ({
    now = Date.now,
    random = Math.random,
    paceMs = secondMs,
    providers: open = openProviders,
  }: Partial<World>) =>
  ({ db, calls: { orders }, events, config, log, metrics: all, health, stopping }: Given): Running => {
    const metrics = createPaymentMetrics(all);
    const providers: Providers = new Map(
      [...open(config, now)].map(([name, provider]) => [name, timed(name, provider, metrics)]),
    );
    const pauses: Pauses = {
      retryMs: config.PAYMENT_RETRY,
      // A request may still be under way for as long as its answer is waited for.
      askAgainMs: Math.max(config.PAYMENT_ASK_AGAIN, config.PAYMENT_PROVIDER_TIMEOUT),
      timeoutMs: config.PAYMENT_PROVIDER_TIMEOUT,
    };

    const loops: Loop[] = [];
    const wake = () => {
      for (const loop of loops) loop.wake();
    };
    const giveBack = createGiveBack({ now, pauseMs: 5 * pauses.retryMs, wake });
    const outcome = { db, events, giveBack, metrics, log, now };
    const charging = createCharging({ db, providers, note: createNoteCharge(outcome), pauses, now });
    const advanceRefund = createAdvanceRefund({
      db,
      providers,
      note: createNoteRefund(outcome),
      pauses,
      now,
    });

    const driving = { db, pauses, paceMs, log, now, random, stopping };
    const advance = { payments: charging.advance, refunds: advanceRefund };
    for (const provider of providers.keys()) loops.push(driveProvider({ ...driving, provider, advance }));
    loops.push(driveOrders({ ...driving, giveBack }));
    const counting = startLoop({
      everyMs: 15 * secondMs,
      stopping,
      work: async () => metrics.showOpen(openCounts(await countOpen(db.sql))),
      failed: (err) => log.warn({ err }, "open payments could not be counted; tried again later"),
    });
    health.add({
      name: "open payments",
      critical: false,
      check: async () => requireNothingStuck(await countOpen(db.sql), now(), config.PAYMENT_PENDING_ALERT),
    });

    return {
      rpc: [
        handlers(PaymentService, {
          ...payments({ db, orders, providers, charging, pauses, now }),
          ...refunds({ db, advance: advanceRefund, pauses, now }),
          ...closing({ db, giveBack, charging, advanceRefund, now }),
          ...callbacks({ db, providers, metrics, wake, now }),
        }),
        handlers(LedgerService, ledger(db)),
      ],
      stop: async () => {
        await Promise.all([...loops, counting].map(({ ended }) => ended));
      },
    };
  };

const openCounts = ({ payments, refunds, orders }: Awaited<ReturnType<typeof countOpen>>) => ({
  payments,
  refunds,
  orders,
});
