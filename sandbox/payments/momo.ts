import { randomUUID } from "node:crypto";
import { Bounded } from "../bounded.ts";
import type { Reply, Silence } from "../http.ts";
import type { Means } from "./means.ts";
import type { Phone } from "./phones.ts";
import { phoneOf, reasons } from "./phones.ts";
import { signStandard } from "./signatures.ts";

export type MomoStatus = "PENDING" | "SUCCESSFUL" | "FAILED";

export interface PayRequest {
  readonly id: string;
  readonly amount: string;
  readonly currency: string;
  readonly externalId: string;
  readonly phone: string;
  status: MomoStatus;
  reason?: string;
}

export interface MomoRefund {
  readonly id: string;
  readonly paid: string;
  readonly amount: string;
  readonly currency: string;
  status: MomoStatus;
  reason?: string;
}

/** A provider of mobile money: what it was asked, and what it does then. */
export interface Momo {
  readonly requests: Map<string, PayRequest>;
  readonly refunds: Map<string, MomoRefund>;
  requestToPay(id: string, body: string): Reply | Silence;
  findRequest(id: string): Reply;
  refund(id: string, body: string): Reply;
  findRefund(id: string): Reply;
  /** Whoever was asked answers now. */
  settle(): void;
  reset(): void;
}

export interface MomoOptions extends Means {
  secret: string;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const decimal = /^\d{1,13}(\.\d{1,3})?$/;
const refusal = (status: number, code: string, message: string): Reply => ({
  status,
  body: { code, message },
});
const accepted: Reply = { status: 202, body: undefined };

export function createMomo({ secret, delays, timers, callbacks, now, most }: MomoOptions): Momo {
  const requests = new Bounded<PayRequest>(most);
  const refunds = new Bounded<MomoRefund>(most);
  const lost = new Bounded<true>(most);

  const tell = (type: string, how: Phone["callback"], it: PayRequest | MomoRefund) => {
    const id = `msg_${randomUUID()}`;
    const { status, reason, amount, currency } = it;
    const body = JSON.stringify({ type, referenceId: it.id, status, reason, amount, currency });
    void callbacks.send(how ?? "after", {
      path: "/momo",
      body,
      sign: () => signStandard(id, body, secret, now()),
    });
  };
  const decide = (request: PayRequest) => {
    if (request.status !== "PENDING") return;
    const { outcome, callback } = phoneOf(request.phone);
    request.status = outcome === "agrees" ? "SUCCESSFUL" : "FAILED";
    if (outcome !== "agrees") request.reason = reasons[outcome];
    tell("requesttopay", callback, request);
  };

  return {
    requests,
    refunds,

    requestToPay(id, body) {
      if (!uuid.test(id)) return refusal(400, "INVALID_REFERENCE_ID", "X-Reference-Id must be a UUID");
      if (requests.has(id))
        return refusal(
          409,
          "RESOURCE_ALREADY_EXIST",
          "Duplicated reference id. Creation of resource failed.",
        );
      const { amount, currency, externalId, payer } = parse(body);
      const phone = String((payer as { partyId?: unknown } | undefined)?.partyId ?? "");
      if (!decimal.test(String(amount)) || Number(amount) <= 0 || !/^\d{6,15}$/.test(phone)) {
        return refusal(400, "INVALID_REQUEST", "amount or payer is not as it must be");
      }
      const behaves = phoneOf(phone);
      if (behaves.answer === "lost_once" && !lost.has(id)) {
        lost.set(id, true);
        return "lost";
      }
      const told = { amount: String(amount), currency: String(currency), externalId: String(externalId) };
      const request: PayRequest = { id, ...told, phone, status: "PENDING" };
      requests.set(id, request);
      const waitMs =
        behaves.outcome === "silent" ? delays.expiryMs : behaves.slow ? delays.slowMs : delays.settleMs;
      if (!behaves.held) timers.after(waitMs, () => decide(request));
      return behaves.answer === "hang_up" ? "hang_up" : accepted;
    },

    findRequest(id) {
      const request = requests.get(id);
      if (!request) return refusal(404, "RESOURCE_NOT_FOUND", "Requested resource was not found.");
      const { amount, currency, externalId, phone, status, reason } = request;
      const payer = { partyIdType: "MSISDN", partyId: phone };
      return { status: 200, body: { amount, currency, externalId, payer, status, reason } };
    },

    refund(id, body) {
      if (!uuid.test(id)) return refusal(400, "INVALID_REFERENCE_ID", "X-Reference-Id must be a UUID");
      if (refunds.has(id))
        return refusal(
          409,
          "RESOURCE_ALREADY_EXIST",
          "Duplicated reference id. Creation of resource failed.",
        );
      const { amount, currency, referenceIdToRefund } = parse(body);
      const paid = requests.get(String(referenceIdToRefund));
      if (paid?.status !== "SUCCESSFUL")
        return refusal(400, "NOT_REFUNDABLE", "no successful request has this id");
      if (!decimal.test(String(amount)) || Number(amount) <= 0)
        return refusal(400, "INVALID_REQUEST", "amount is not as it must be");
      const back = [...refunds.values()].filter((it) => it.paid === paid.id);
      const total = back.reduce((sum, it) => sum + Number(it.amount), Number(amount));
      if (total > Number(paid.amount) + 1e-9) return refusal(400, "AMOUNT_TOO_LARGE", "more than was paid");
      const refund: MomoRefund = {
        id,
        paid: paid.id,
        amount: String(amount),
        currency: String(currency),
        status: "PENDING",
      };
      refunds.set(id, refund);
      timers.after(delays.settleMs, () => {
        refund.status = "SUCCESSFUL";
        tell("refund", phoneOf(paid.phone).callback, refund);
      });
      return accepted;
    },

    findRefund(id) {
      const refund = refunds.get(id);
      if (!refund) return refusal(404, "RESOURCE_NOT_FOUND", "Requested resource was not found.");
      const { amount, currency, status, reason } = refund;
      return { status: 200, body: { amount, currency, status, reason } };
    },

    settle() {
      for (const request of requests.values()) decide(request);
    },

    reset() {
      requests.clear();
      refunds.clear();
      lost.clear();
    },
  };
}

function parse(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // What is missing is refused by name.
    return {};
  }
}
