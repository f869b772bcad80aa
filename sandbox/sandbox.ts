/** The outside world of a laptop: what services speak to elsewhere, as real servers on loopback. */
import { sandboxKeys, startPaymentsSandbox } from "./payments/start.ts";

export interface SandboxOptions {
  /** Where the gateway is: callbacks go there. */
  readonly gatewayUrl: string;
  /** Default: any that is free. */
  readonly port?: number;
}

export interface Sandbox extends AsyncDisposable {
  readonly url: string;
  /** What tells services of it: for each provider, its variables. */
  readonly providers: readonly Readonly<Record<string, string>>[];
}

export async function startSandbox({ gatewayUrl, port = 0 }: SandboxOptions): Promise<Sandbox> {
  const payments = await startPaymentsSandbox({
    port,
    webhookUrl: `${gatewayUrl}/api/v1/payments/callbacks`,
  });
  const { url } = payments;
  return {
    url,
    providers: [
      {
        PAYMENT_STRIPE_URL: url,
        PAYMENT_STRIPE_KEY: sandboxKeys.stripeKey,
        PAYMENT_STRIPE_WEBHOOK_SECRET: sandboxKeys.stripeSecret,
      },
      {
        PAYMENT_MOMO_URL: url,
        PAYMENT_MOMO_KEY: sandboxKeys.momoKey,
        PAYMENT_MOMO_WEBHOOK_SECRET: sandboxKeys.momoSecret,
      },
    ],
    [Symbol.asyncDispose]: () => payments.close(),
  };
}
