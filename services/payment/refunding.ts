import type { Database } from "#mesh";
import type { Pauses } from "./pauses.ts";
import { findPayment } from "./payments-store.ts";
import type { Providers } from "./providers/provider.ts";
import type { NoteRefund } from "./refund-outcome.ts";
import { findRefund, noteRefundAsked } from "./refunds-store.ts";
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
      const found = await provider.findRefund({ id, reference: refund.providerReference, payment: charged });
      if (found.state !== "none" || refund.state === "succeeded") return note(id, found);
      // What it knew by a name of its own it cannot have forgotten: nothing is asked for twice on its word.
      if (refund.providerReference) throw providerAway(refund.provider);
      if (now() - refund.askedAt.getTime() < pauses.askAgainMs) return;
    }
    await noteRefundAsked(db.sql, id, new Date(now()));
    const { currency, amount: minorUnits, reason } = refund;
    await note(id, await provider.refund({ id, payment: charged, amount: { currency, minorUnits }, reason }));
  };
}
