/** The outside world of a laptop: what services speak to elsewhere, as real servers on loopback. */
import { startMessagesSandbox } from "./messages/start.ts";
import { sandboxKeys, startPaymentsSandbox } from "./payments/start.ts";

export interface SandboxOptions {
  /** Where the gateway is: callbacks go there. */
  readonly gatewayUrl: string;
  /** The first of the ports that it takes. Default: any that are free. */
  readonly port?: number;
}

export interface Sandbox extends AsyncDisposable {
  /** Where money and messages can be looked at. */
  readonly urls: { readonly payments: string; readonly messages: string };
  /** What tells services of it: for each provider, its variables. */
  readonly providers: readonly Readonly<Record<string, string>>[];
}

export async function startSandbox({ gatewayUrl, port = 0 }: SandboxOptions): Promise<Sandbox> {
  const portOf = (place: number) => (port === 0 ? 0 : port + place);
  await using started = new AsyncDisposableStack();
  const webhookUrl = `${gatewayUrl}/api/v1/payments/callbacks`;
  const payments = started.use(await startPaymentsSandbox({ port: portOf(0), webhookUrl }));
  const messages = started.use(await startMessagesSandbox({ httpPort: portOf(1), smtpPort: portOf(2) }));
  const all = started.move();
  return {
    urls: { payments: payments.url, messages: messages.url },
    providers: [
      {
        PAYMENT_STRIPE_URL: payments.url,
        PAYMENT_STRIPE_KEY: sandboxKeys.stripeKey,
        PAYMENT_STRIPE_WEBHOOK_SECRET: sandboxKeys.stripeSecret,
      },
      {
        PAYMENT_MOMO_URL: payments.url,
        PAYMENT_MOMO_KEY: sandboxKeys.momoKey,
        PAYMENT_MOMO_WEBHOOK_SECRET: sandboxKeys.momoSecret,
      },
      ...messages.providers,
      { NOTIFICATION_PUBLIC_URL: gatewayUrl },
    ],
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
