import type { Database } from "#mesh";
import type { Pauses } from "./pauses.ts";
import { findPayment } from "./payments-store.ts";
import type { None, Providers, Standing } from "./providers/provider.ts";
import { refundMove } from "./refund-move.ts";
import type { NoteRefund } from "./refund-outcome.ts";
import type { RefundRow } from "./refunds-store.ts";
import { findRefund, noteRefundAsked, putOffLook } from "./refunds-store.ts";
import { providerAway } from "./refusals.ts";

/** Brings a refund on, a step at a time. Throws while the provider leaves open what happened. */
export type AdvanceRefund = (id: string) => Promise<void>;

export interface RefundingOptions {
  db: Database;
  providers: Providers;
  note: NoteRefund;
  pauses: Pauses;
  now: () => number;
}

export function createAdvanceRefund({ db, providers, note, pauses, now }: RefundingOptions): AdvanceRefund {
  return async (id) => {
    const refund = await findRefund(db.sql, id);
    if (!refund || refund.state === "failed") return;
    const payment = await findPayment(db.sql, refund.paymentId);
    if (!payment) return;
    const provider = providers.get(refund.provider);
    if (!provider) throw providerAway(refund.provider);
    const charged = { id: payment.id, reference: payment.providerReference };
    if (refund.askedAt) {
      const asked = { id, reference: refund.providerReference, payment: charged };
      const found = await lookAt(refund, () => provider.findRefund(asked));
      const move = refundMove(refund, found.state, now(), pauses.askAgainMs);
      if (move === "note") return note(id, found);
      if (move === "wait") return;
      if (move === "away") throw providerAway(refund.provider);
    }
    await noteRefundAsked(db.sql, id, new Date(now()));
    const { currency, amount: minorUnits, reason } = refund;
    await note(id, await provider.refund({ id, payment: charged, amount: { currency, minorUnits }, reason }));
  };

  /** Nobody waits for what becomes of one that succeeded: a look that fails is not tried again soon. */
  async function lookAt({ id, state }: RefundRow, find: () => Promise<Standing | None>) {
    try {
      return await find();
    } catch (error) {
      if (state === "succeeded") await putOffLook(db.sql, id, new Date(now() + failedLookMs));
      throw error;
    }
  }
}

const failedLookMs = 3_600_000;
