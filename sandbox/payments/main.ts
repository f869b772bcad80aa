/**
 * Runs the sandbox by itself: `node sandbox/payments/main.ts [port] [where callbacks go]`.
 * Point the payment service at it with PAYMENT_STRIPE_URL and PAYMENT_MOMO_URL.
 */
import { sandboxKeys, startPaymentsSandbox } from "./start.ts";

const [port = "8090", webhookUrl = "http://127.0.0.1:8000/api/v1/payments/callbacks"] = process.argv.slice(2);
const sandbox = await startPaymentsSandbox({ port: Number(port), webhookUrl });
console.log(`payments sandbox at ${sandbox.url}, callbacks to ${webhookUrl}`);
console.log(
  [
    `PAYMENT_STRIPE_URL=${sandbox.url}`,
    `PAYMENT_STRIPE_KEY=${sandboxKeys.stripeKey}`,
    `PAYMENT_STRIPE_WEBHOOK_SECRET=${sandboxKeys.stripeSecret}`,
    `PAYMENT_MOMO_URL=${sandbox.url}`,
    `PAYMENT_MOMO_KEY=${sandboxKeys.momoKey}`,
    `PAYMENT_MOMO_WEBHOOK_SECRET=${sandboxKeys.momoSecret}`,
  ].join("\n"),
);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void sandbox.close());
}
