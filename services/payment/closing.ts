import type { PaymentService } from "#gen/payment/v1/payment_pb.js";
import type { Call, Database, Handlers } from "#mesh";
import { canonicalId, cleanText } from "#mesh";
import { within } from "#mesh/within.ts";
import type { Charging } from "./charging.ts";
import type { GiveBack } from "./giving-back.ts";
import { closeOrder, findOrder, lockOrder } from "./orders-store.ts";
import { pendingPaymentsOf } from "./payments-store.ts";
import type { AdvanceRefund } from "./refunding.ts";
import { pendingRefundsOf } from "./refunds-store.ts";

export type ClosingHandlers = Pick<Handlers<typeof PaymentService>, "closeOrder">;

export interface ClosingOptions {
  db: Database;
  giveBack: GiveBack;
  charging: Charging;
  advanceRefund: AdvanceRefund;
  now: () => number;
}

/** How long the caller is kept waiting for an end that mostly comes soon. */
const patienceMs = 5000;

export function closing(options: ClosingOptions): ClosingHandlers {
  const { db, giveBack, charging, advanceRefund, now } = options;
  return {
    async closeOrder(request, call) {
      const id = canonicalId(request.orderId);
      await db.transaction(async (tx) => {
        await lockOrder(tx, id);
        await closeOrder(tx, id, cleanText(request.reason), new Date(now()));
        await giveBack(tx, id);
      });
      if (!(await isSettled(id))) await hasten(id, call);
      return { settled: await isSettled(id) };
    },
  };

  async function isSettled(id: string): Promise<boolean> {
    return Boolean((await findOrder(db.sql, id))?.settledAt);
  }

  /** Does now what the loop would do soon; whatever is left when the time is over, the loop does. */
  async function hasten(id: string, call: Call) {
    const work = (async () => {
      for (const { id: payment } of await pendingPaymentsOf(db.sql, id)) await charging.advance(payment);
      for (const { id: refund } of await pendingRefundsOf(db.sql, id)) await advanceRefund(refund);
    })().catch((err: unknown) => {
      call.log.warn(
        { err, order: id },
        "an order could not be settled at once; it is gone on with by and by",
      );
    });
    await within(work, patienceMs);
  }
}
