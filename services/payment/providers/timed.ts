import type { PaymentMetrics } from "../payment-metrics.ts";
import type { Provider } from "./provider.ts";

/** A provider whose answers are measured. */
export function timed(name: string, provider: Provider, metrics: PaymentMetrics): Provider {
  const watch =
    <R, T extends { readonly state: string }>(operation: string, work: (request: R) => Promise<T>) =>
    async (request: R): Promise<T> => {
      const started = performance.now();
      const told = (outcome: string) =>
        metrics.asked(name, operation, outcome, (performance.now() - started) / 1000);
      try {
        const answer = await work(request);
        told(answer.state);
        return answer;
      } catch (error) {
        told("unknown");
        throw error;
      }
    };
  return {
    charge: watch("charge", provider.charge),
    find: watch("find", provider.find),
    cancel: watch("cancel", provider.cancel),
    refund: watch("refund", provider.refund),
    findRefund: watch("find_refund", provider.findRefund),
    readCallback: provider.readCallback,
  };
}
