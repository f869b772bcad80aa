import Stripe from "stripe";
import { badSignature, providerAway } from "../refusals.ts";
import { shortText } from "../text.ts";
import type { CallbackRequest, Charged, None, Provider, Refunded, Standing, Told } from "./provider.ts";
import { toStripeAmount } from "./stripe-amount.ts";

export interface StripeOptions {
  url: URL;
  key: string;
  webhookSecret: string;
  timeoutMs: number;
  now: () => number;
}

/** Clocks differ by less. */
const aheadMs = 5 * 60_000;
const signedAtMs = (signature: string): number => Number(/(?:^|,)t=(\d+)/.exec(signature)?.[1] ?? 0) * 1000;

/** Most refunds of one payment that are looked through for one whose answer was never seen. */
const pageOfRefunds = 100;
const none: None = { state: "none" };

export function openStripe({ url, key, webhookSecret, timeoutMs, now }: StripeOptions): Provider {
  const stripe = new Stripe(key, {
    host: url.hostname,
    port: url.port || (url.protocol === "http:" ? 80 : 443),
    protocol: url.protocol === "http:" ? "http" : "https",
    timeout: timeoutMs,
    // Whether to ask again is decided from what the database says, not here. Its
    // client of node:http tries again after a hang-up all the same.
    maxNetworkRetries: 0,
    httpClient: Stripe.createFetchHttpClient(),
    telemetry: false,
  });

  return {
    charge: ({ id, orderId, amount, source }) =>
      ordered(async () => {
        const minorUnits = toStripeAmount(amount);
        if (minorUnits === undefined) return notTaken;
        const intent = await stripe.paymentIntents.create(
          {
            amount: minorUnits,
            currency: amount.currency.toLowerCase(),
            confirm: true,
            allowed_payment_method_types: ["card"],
            ...methodOf(source),
            // Nobody is there who could be sent to the bank's page.
            error_on_requires_action: true,
            metadata: { payment_id: id, order_id: orderId },
            expand: ["latest_charge"],
          },
          { idempotencyKey: id },
        );
        return standingOf(intent);
      }),

    find: (payment) => asked(() => find(payment)),

    cancel: (payment) =>
      asked(async () => {
        const found = await find(payment);
        if (found.state !== "pending") return found;
        try {
          return standingOf(await stripe.paymentIntents.cancel(found.reference));
        } catch (error) {
          // It may have gone on meanwhile, and then there is nothing to cancel any more.
          if (error instanceof Stripe.errors.StripeInvalidRequestError) return find(payment);
          throw error;
        }
      }),

    refund: ({ id, payment, amount }) =>
      ordered(async () => {
        const minorUnits = toStripeAmount(amount);
        if (minorUnits === undefined) return notTaken;
        const refund = await stripe.refunds.create(
          { payment_intent: payment.reference, amount: minorUnits, metadata: { refund_id: id } },
          { idempotencyKey: id },
        );
        return refundStanding(refund);
      }),

    findRefund: (refund) => asked(() => findRefund(refund)),

    readCallback: ({ headers, body }) => toldBy(eventOf({ headers, body })),
  };

  async function find({ id, reference }: Charged): Promise<Standing | None> {
    if (reference) {
      return standingOf(await stripe.paymentIntents.retrieve(reference, { expand: ["latest_charge"] }));
    }
    const { data } = await stripe.paymentIntents.search({
      query: `metadata['payment_id']:'${id}'`,
      limit: 1,
      expand: ["data.latest_charge"],
    });
    return data[0] ? standingOf(data[0]) : none;
  }

  async function findRefund({ id, reference, payment }: Refunded): Promise<Standing | None> {
    if (reference) return retrieveRefund(reference);
    const list = stripe.refunds.list({ payment_intent: payment.reference, limit: pageOfRefunds });
    for await (const refund of list) if (refund.metadata?.refund_id === id) return refundStanding(refund);
    return none;
  }

  async function retrieveRefund(reference: string): Promise<Standing | None> {
    try {
      return refundStanding(await stripe.refunds.retrieve(reference));
    } catch (error) {
      if (error instanceof Stripe.errors.StripeInvalidRequestError && error.statusCode === 404) return none;
      throw error;
    }
  }

  function eventOf({ headers, body }: CallbackRequest): Stripe.Event {
    const signature = headers.get("stripe-signature") ?? "";
    try {
      const text = new TextDecoder().decode(body);
      const event = stripe.webhooks.constructEvent(
        text,
        signature,
        webhookSecret,
        undefined,
        undefined,
        now(),
      );
      // The library looks at what is too old alone.
      if (signedAtMs(signature) > now() + aheadMs) throw new Error("signed at a time that is yet to come");
      return event;
    } catch (cause) {
      throw badSignature(cause);
    }
  }
}

/** Tokens of Stripe's older library stand for a card, not for a way to pay. */
const methodOf = (source: string) =>
  source.startsWith("tok_")
    ? { payment_method_data: { type: "card" as const, card: { token: source } } }
    : { payment_method: source };

/** What goes wrong with a question says nothing of what it was about. */
async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError) throw providerAway("stripe", error);
    throw error;
  }
}

/** An order that is refused was not done; all else that goes wrong with it leaves open what happened. */
async function ordered(work: () => Promise<Standing>): Promise<Standing> {
  try {
    return await asked(work);
  } catch (error) {
    const { cause } = error as Error;
    if (cause instanceof Stripe.errors.StripeCardError) {
      const { payment_intent: intent, decline_code: declineCode, code, message } = cause;
      return failed(intent?.id ?? "", declineCode ?? code ?? "card_declined", message);
    }
    if (cause instanceof Stripe.errors.StripeInvalidRequestError && isRefusal(cause)) {
      return failed("", cause.code ?? "invalid_request", "the provider refused the request");
    }
    throw error;
  }
}

const failed = (reference: string, code: string, message: string): Standing => ({
  state: "failed",
  reference,
  code: shortText(code, 100),
  message: shortText(message),
});

/** 409 is said of a key whose first request is still being done, 429 of too many. */
const isRefusal = ({ statusCode }: Stripe.errors.StripeError): boolean =>
  statusCode === 400 || statusCode === 404;

const notTaken = failed("", "amount_not_payable", "the provider does not take this amount");

function standingOf(intent: Stripe.PaymentIntent): Standing {
  const { id: reference, status, last_payment_error: error } = intent;
  if (status === "succeeded") return { state: "succeeded", reference, label: labelOf(intent) };
  if (status === "canceled") {
    return failed(reference, "canceled", "the payment was called off");
  }
  if (status === "requires_payment_method") {
    return failed(reference, error?.decline_code ?? error?.code ?? "card_declined", error?.message ?? "");
  }
  return { state: "pending", reference };
}

function labelOf({ latest_charge: charge }: Stripe.PaymentIntent): string {
  const card = typeof charge === "object" ? charge?.payment_method_details?.card : undefined;
  return card ? shortText(`${card.brand ?? "card"} …${card.last4 ?? ""}`, 50) : "";
}

function refundStanding({ id: reference, status, failure_reason: reason }: Stripe.Refund): Standing {
  if (status === "succeeded") return { state: "succeeded", reference };
  if (status === "failed" || status === "canceled") {
    return failed(reference, reason ?? status, "");
  }
  return { state: "pending", reference };
}

/** Of charges of others on the same account there is no payment, and so nothing comes of it. */
function toldBy(event: unknown): Told | undefined {
  // Signed, and yet it may be anything.
  const { type, data } = Object(event) as { type?: unknown; data?: { object?: unknown } };
  const { id, metadata } = Object(data?.object) as Partial<Named>;
  if (typeof type !== "string" || typeof id !== "string") return undefined;
  const told = (name: string) => {
    const value: unknown = Object(metadata)[name];
    return typeof value === "string" ? value : "";
  };
  if (type.startsWith("payment_intent.")) {
    return { paymentReference: id, paymentId: told("payment_id") };
  }
  if (type.startsWith("refund.") || type === "charge.refund.updated") {
    return { refundReference: id, refundId: told("refund_id") };
  }
  return undefined;
}

interface Named {
  readonly id?: string;
  readonly metadata?: Readonly<Record<string, string>> | null;
}
