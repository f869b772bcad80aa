import { randomBytes } from "node:crypto";
import { Bounded } from "../bounded.ts";
import type { Form } from "../form.ts";
import { formAt, textAt, textsAt } from "../form.ts";
import type { Reply, Silence } from "../http.ts";
import type { Card } from "./cards.ts";
import { cardOf } from "./cards.ts";
import type { Means } from "./means.ts";
import { signStripe } from "./signatures.ts";
import { cardError, missing, refused } from "./stripe-errors.ts";
import type { Intent, Refund } from "./stripe-objects.ts";
import { intentObject, refundObject } from "./stripe-objects.ts";

/** Stripe's side of the counter: what it holds, and what it does when asked. */
export interface Stripe {
  readonly intents: Map<string, Intent>;
  readonly refunds: Map<string, Refund>;
  createIntent(form: Form): Promise<Reply | Silence>;
  findIntent(id: string): Reply;
  search(query: string): Reply;
  cancel(id: string): Reply;
  createRefund(form: Form): Promise<Reply | Silence>;
  findRefund(id: string): Reply;
  listRefunds(intentId: string): Reply;
  /** Ends what is processing. */
  settle(): void;
  reset(): void;
}

export interface StripeOptions extends Means {
  secret: string;
}

const id = (prefix: string) => `${prefix}_${randomBytes(12).toString("hex")}`;

export function createStripe({ secret, delays, timers, callbacks, now, most }: StripeOptions): Stripe {
  const intents = new Bounded<Intent>(most);
  const refunds = new Bounded<Refund>(most);
  const lost = new Bounded<true>(most);

  const tell = (type: string, how: Card["callback"], object: object) => {
    const created = Math.floor(now() / 1000);
    const body = JSON.stringify({ id: id("evt"), object: "event", type, created, data: { object } });
    return callbacks.send(how ?? "after", {
      path: "/stripe",
      body,
      sign: () => signStripe(body, secret, now()),
    });
  };
  const become = (intent: Intent, status: Intent["status"]) => {
    intent.status = status;
    const type = { succeeded: "succeeded", canceled: "canceled", processing: "processing" } as const;
    const name = status === "requires_payment_method" ? "payment_failed" : type[status];
    return tell(`payment_intent.${name}`, intent.card.callback, intentObject(intent));
  };
  const settle = (intent: Intent) => {
    if (intent.status !== "processing") return;
    const fails = intent.card.becomes === "processing_fails";
    if (fails) intent.error = { code: "card_declined", message: "Your card was declined." };
    void become(intent, fails ? "requires_payment_method" : "succeeded");
  };

  const settleRefund = (refund: Refund) => {
    const { becomes, intent, amount } = refund;
    if (!becomes) return;
    refund.becomes = undefined;
    refund.status = becomes;
    if (becomes === "failed") intent.refunded -= amount;
    void tell(
      becomes === "failed" ? "refund.failed" : "refund.updated",
      intent.card.callback,
      refundObject(refund),
    );
  };

  return {
    intents,
    refunds,

    async createIntent(form) {
      const amount = Number(textAt(form, "amount"));
      if (!Number.isSafeInteger(amount) || amount < 1)
        return refused("parameter_invalid_integer", "Invalid integer: amount", "amount");
      const token =
        textAt(form, "payment_method") ||
        textAt(formAt(formAt(form, "payment_method_data"), "card"), "token");
      const card = cardOf(token);
      if (!card) return missing(`No such PaymentMethod: '${token}'`, "payment_method");
      const metadata = textsAt(form, "metadata");
      const name = `${metadata.payment_id} ${token}`;
      if (card.answer === "lost_once" && !lost.has(name)) {
        lost.set(name, true);
        return "lost";
      }
      const currency = textAt(form, "currency").toLowerCase();
      const created = Math.floor(now() / 1000);
      const intent: Intent = {
        id: id("pi"),
        charge: id("ch"),
        amount,
        refunded: 0,
        currency,
        metadata,
        created,
        card,
        status: "processing",
      };
      intents.set(intent.id, intent);
      if (card.decline) {
        const { code, declineCode, message } = card.decline;
        intent.error = { code, message, ...(declineCode && { decline_code: declineCode }) };
        await become(intent, "requires_payment_method");
        return cardError(intent);
      }
      if (card.becomes && card.becomes !== "succeeded") {
        void become(intent, "processing");
        if (card.becomes.startsWith("processing")) timers.after(delays.settleMs, () => settle(intent));
      } else {
        await become(intent, "succeeded");
      }
      if (card.answer === "hang_up" || card.answer === "never") return card.answer;
      if (card.answer === "slow") await timers.wait(delays.slowMs);
      return { status: 200, body: intentObject(intent) };
    },

    findIntent(intentId) {
      const intent = intents.get(intentId);
      if (!intent) return missing(`No such payment_intent: '${intentId}'`, "intent");
      return { status: 200, body: intentObject(intent) };
    },

    search(query) {
      const [, name = "", value = ""] = /^metadata\[['"](\w+)['"]\]:['"]([^'"]*)['"]$/.exec(query) ?? [];
      if (name === "")
        return refused(
          "parameter_invalid",
          "The sandbox searches for metadata['name']:'value' only",
          "query",
        );
      const data = [...intents.values()].filter(({ metadata }) => metadata[name] === value).map(intentObject);
      return {
        status: 200,
        body: { object: "search_result", url: "/v1/payment_intents/search", has_more: false, data },
      };
    },

    cancel(intentId) {
      const intent = intents.get(intentId);
      if (!intent) return missing(`No such payment_intent: '${intentId}'`, "intent");
      if (intent.status === "succeeded" || intent.status === "canceled" || intent.card.becomes === "firm") {
        return refused(
          "payment_intent_unexpected_state",
          `You cannot cancel this PaymentIntent because it has a status of ${intent.status}.`,
        );
      }
      void become(intent, "canceled");
      return { status: 200, body: intentObject(intent) };
    },

    async createRefund(form) {
      const intent = intents.get(textAt(form, "payment_intent"));
      if (!intent)
        return missing(`No such payment_intent: '${textAt(form, "payment_intent")}'`, "payment_intent");
      if (intent.status !== "succeeded")
        return refused(
          "charge_not_captured",
          "This PaymentIntent does not have a successful charge to refund.",
        );
      const left = intent.amount - intent.refunded;
      if (left === 0)
        return refused("charge_already_refunded", `Charge ${intent.charge} has already been refunded.`);
      const amount = textAt(form, "amount") === "" ? left : Number(textAt(form, "amount"));
      if (!Number.isSafeInteger(amount) || amount < 1)
        return refused("parameter_invalid_integer", "Invalid integer: amount", "amount");
      if (amount > left)
        return refused(
          "amount_too_large",
          `Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`,
          "amount",
        );
      const { card } = intent;
      const isFirst = !intent.refundFailed;
      const fails = card.refunds === "fail" || (card.refunds === "fail_once" && isFirst);
      const comesBack = card.refunds === "come_back" || (card.refunds === "come_back_once" && isFirst);
      intent.refundFailed ||= fails || comesBack;
      const refund: Refund = {
        id: id("re"),
        amount,
        currency: intent.currency,
        metadata: textsAt(form, "metadata"),
        created: Math.floor(now() / 1000),
        intent,
        status: fails ? "failed" : card.refunds === "pending" ? "pending" : "succeeded",
        becomes: comesBack ? "failed" : card.refunds === "pending" ? "succeeded" : undefined,
      };
      refunds.set(refund.id, refund);
      if (!fails) intent.refunded += amount;
      void tell("refund.created", card.callback, refundObject(refund));
      if (refund.becomes) timers.after(delays.settleMs, () => settleRefund(refund));
      if (card.refunds === "hang_up") return "hang_up";
      return { status: 200, body: refundObject(refund) };
    },

    findRefund(refundId) {
      const refund = refunds.get(refundId);
      return refund
        ? { status: 200, body: refundObject(refund) }
        : missing(`No such refund: '${refundId}'`, "id");
    },

    listRefunds(intentId) {
      const data = [...refunds.values()].filter((it) => it.intent.id === intentId).map(refundObject);
      return {
        status: 200,
        body: { object: "list", url: "/v1/refunds", has_more: false, data: data.reverse() },
      };
    },

    settle() {
      for (const intent of intents.values()) settle(intent);
      for (const refund of refunds.values()) settleRefund(refund);
    },

    reset() {
      intents.clear();
      refunds.clear();
      lost.clear();
    },
  };
}
