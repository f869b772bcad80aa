import type { Database } from "#mesh";
import type { NoteCharge } from "./charge-outcome.ts";
import { findOrder } from "./orders-store.ts";
import type { Pauses } from "./pauses.ts";
import { keyLifeMs, lastLookMs } from "./pauses.ts";
import type { PaymentRow } from "./payments-store.ts";
import { findPayment, notePaymentAsked, savePayment } from "./payments-store.ts";
import type { Provider, Providers, Standing } from "./providers/provider.ts";
import { providerAway } from "./refusals.ts";

/** Brings payments to their end, a step at a time. Throws while a provider leaves open what happened. */
export interface Charging {
  /** Asks for the money of a payment that was written down just now. */
  begin(payment: PaymentRow): Promise<void>;
  /** Asks what has become of a payment, and for the money again where it never came. */
  advance(id: string): Promise<void>;
}

export interface ChargingOptions {
  db: Database;
  providers: Providers;
  note: NoteCharge;
  pauses: Pauses;
  now: () => number;
}

export function createCharging({ db, providers, note, pauses, now }: ChargingOptions): Charging {
  const ask = async (provider: Provider, payment: PaymentRow) => {
    const { id, orderId, currency, amount, source } = payment;
    const standing = await provider.charge({
      id,
      orderId,
      amount: { currency, minorUnits: amount },
      source: source ?? "",
    });
    await note(id, standing);
  };

  return {
    begin: (payment) => ask(providerOf(payment), payment),

    async advance(id) {
      const payment = await findPayment(db.sql, id);
      if (!payment) return;
      const provider = providerOf(payment);
      const closed = Boolean((await findOrder(db.sql, payment.orderId))?.closedAt);
      const named = { id, reference: payment.providerReference };
      const found = await (closed && payment.state === "pending"
        ? provider.cancel(named)
        : provider.find(named));
      if (found.state !== "none") return note(id, found);
      if (payment.state !== "pending") {
        return savePayment(db.sql, id, { nextTryAt: null, updatedAt: payment.updatedAt });
      }
      const nowMs = now();
      // What was asked may still be on its way there.
      if (nowMs - payment.askedAt.getTime() < pauses.askAgainMs) return;
      if (closed) return note(id, givenUp("order_closed"), new Date(nowMs + lastLookMs));
      if (nowMs - payment.createdAt.getTime() >= keyLifeMs) {
        return note(id, givenUp("provider_unreachable"), new Date(nowMs + lastLookMs));
      }
      await notePaymentAsked(db.sql, id, new Date(nowMs));
      await ask(provider, payment);
    },
  };

  function providerOf({ provider }: PaymentRow): Provider {
    const found = providers.get(provider);
    if (!found) throw providerAway(provider);
    return found;
  }
}

const givenUp = (code: keyof typeof givenUpMessages): Standing => ({
  state: "failed",
  reference: "",
  code,
  message: givenUpMessages[code],
});

const givenUpMessages = {
  order_closed: "the order was called off before the provider had the payment",
  provider_unreachable: "the provider could not be reached for a day; nothing was charged",
} as const;
