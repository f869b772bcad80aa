import { toDecimal } from "../money.ts";
import { providerAway } from "../refusals.ts";
import { shortText } from "../text.ts";
import type { None, Provider, Standing, Told } from "./provider.ts";
import { verifyStandardWebhook } from "./standard-webhook.ts";

export interface MomoOptions {
  url: URL;
  key: string;
  webhookSecret: string;
  timeoutMs: number;
  now: () => number;
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const none: None = { state: "none" };
const collection = "collection/v1_0/requesttopay";
const giving = "disbursement/v1_0/refund";

/**
 * Mobile money, as MTN's API has it: one asks for the money under an id of one's
 * own, its owner agrees on the telephone, and the id tells what became of it.
 */
export function openMomo({ url, key, webhookSecret, timeoutMs, now }: MomoOptions): Provider {
  const base = url.href.endsWith("/") ? url.href : `${url.href}/`;

  const call = async (method: string, path: string, body?: object, reference?: string): Promise<Answer> => {
    try {
      const response = await fetch(`${base}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${key}`,
          ...(body && { "content-type": "application/json" }),
          ...(reference && { "x-reference-id": reference }),
        },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs),
        redirect: "error",
      });
      const text = await response.text();
      return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : {} };
    } catch (cause) {
      throw providerAway("momo", cause);
    }
  };

  const ask = async (path: string, id: string, body: object): Promise<Standing> => {
    const answer = await call("POST", path, body, id);
    // It has it, now or since an earlier request.
    if (answer.status === 202 || answer.status === 409) return { state: "pending", reference: id };
    if (answer.status === 400) {
      return {
        state: "failed",
        reference: "",
        code: codeOf(answer.body.code),
        message: "the provider refused the request",
      };
    }
    throw providerAway("momo", new Error(`POST ${path} was answered with ${answer.status}`));
  };

  const find = async (path: string, id: string): Promise<Standing | None> => {
    const { status, body } = await call("GET", `${path}/${id}`);
    if (status === 404) return none;
    if (status !== 200) throw providerAway("momo", new Error(`GET ${path} was answered with ${status}`));
    if (body.status === "SUCCESSFUL") return { state: "succeeded", reference: id };
    if (body.status === "FAILED") {
      return {
        state: "failed",
        reference: id,
        code: codeOf(body.reason),
        message: "the payment was not agreed to",
      };
    }
    return { state: "pending", reference: id };
  };

  return {
    charge: ({ id, orderId, amount, source }) =>
      ask(collection, id, {
        amount: toDecimal(amount),
        currency: amount.currency,
        externalId: orderId,
        payer: { partyIdType: "MSISDN", partyId: source.replace("+", "") },
      }),
    find: ({ id }) => find(collection, id),
    // What was asked of a person cannot be taken back: it is waited for, and refunded if it comes.
    cancel: ({ id }) => find(collection, id),
    refund: ({ id, payment, amount }) =>
      ask(giving, id, {
        amount: toDecimal(amount),
        currency: amount.currency,
        externalId: id,
        referenceIdToRefund: payment.id,
      }),
    findRefund: ({ id }) => find(giving, id),
    readCallback: ({ headers, body }) => {
      verifyStandardWebhook({ headers, body }, webhookSecret, now());
      return toldBy(new TextDecoder().decode(body));
    },
  };
}

/** As others spell theirs: `approval_rejected`. */
const codeOf = (code: unknown): string =>
  typeof code === "string" && code !== "" ? shortText(code.toLowerCase(), 100) : "refused";

function toldBy(text: string): Told | undefined {
  let event: { type?: unknown; referenceId?: unknown } | null;
  try {
    event = JSON.parse(text);
  } catch {
    // Signed by the provider, and yet nothing that could be acted on.
    return undefined;
  }
  if (typeof event?.referenceId !== "string") return undefined;
  if (event.type === "requesttopay") return { paymentId: event.referenceId };
  return event.type === "refund" ? { refundId: event.referenceId } : undefined;
}
