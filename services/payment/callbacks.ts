import type { PaymentService } from "#gen/payment/v1/payment_pb.js";
import type { Database, Handlers } from "#mesh";
import { pagePart } from "#mesh";
import type { PaymentMetrics } from "./payment-metrics.ts";
import { hurryPayment } from "./payments-store.ts";
import type { Provider, Providers, Told } from "./providers/provider.ts";
import { hurryRefund } from "./refunds-store.ts";
import { providerNotConfigured } from "./refusals.ts";

export type CallbackHandlers = Pick<Handlers<typeof PaymentService>, "receiveCallback">;

export interface CallbacksOptions {
  db: Database;
  providers: Providers;
  metrics: PaymentMetrics;
  /** Something is due. */
  wake: () => void;
  now: () => number;
}

/**
 * What a provider tells is a hint, however well it is signed: that it came in
 * time, once and in order is nobody's promise. What it is about becomes due, and
 * the loop asks what is true by now.
 */
export function callbacks({ db, providers, metrics, wake, now }: CallbacksOptions): CallbackHandlers {
  return {
    async receiveCallback({ provider: name, body }, call) {
      const provider = providers.get(name);
      if (!provider) throw providerNotConfigured(name);
      const told = read(name, provider, {
        headers: call.requestHeader,
        body: body?.data ?? new Uint8Array(),
      });
      const heeded = told !== undefined && (await heed(name, told));
      metrics.callback(name, heeded ? "heeded" : "ignored");
      if (heeded) wake();
      return {};
    },
  };

  function read(name: string, provider: Provider, request: Parameters<Provider["readCallback"]>[0]) {
    try {
      return provider.readCallback(request);
    } catch (error) {
      metrics.callback(name, "refused");
      throw error;
    }
  }

  async function heed(provider: string, told: Told): Promise<boolean> {
    const at = new Date(now());
    const { paymentId, paymentReference, refundId, refundReference } = told;
    if (isId(paymentId)) return hurryPayment(db.sql, { id: paymentId }, at);
    if (paymentReference) return hurryPayment(db.sql, { provider, reference: paymentReference }, at);
    if (isId(refundId)) return hurryRefund(db.sql, { id: refundId }, at);
    if (refundReference) return hurryRefund(db.sql, { provider, reference: refundReference }, at);
    return false;
  }
}

const isId = (text: string | undefined): text is string => text !== undefined && pagePart.uuid.test(text);
