import type { Route } from "../http.ts";
import { close, listen, portOf } from "../http.ts";
import { createCallbacks } from "./callbacks.ts";
import type { Delays } from "./clock.ts";
import { createTimers, usualDelays } from "./clock.ts";
import type { SandboxCharge, SandboxRefund } from "./holdings.ts";
import { chargesOf, refundsOf } from "./holdings.ts";
import { createOnce } from "./idempotency.ts";
import { createMomo } from "./momo.ts";
import { momoRoutes } from "./momo-routes.ts";
import { createStripe } from "./stripe.ts";
import { stripeRoutes } from "./stripe-routes.ts";

export interface PaymentsSandboxOptions {
  /** Default: any that is free. */
  port?: number;
  /** Callbacks go to `<webhookUrl>/stripe` and `<webhookUrl>/momo`; nobody is told without one. */
  webhookUrl?: string;
  stripeKey?: string;
  stripeSecret?: string;
  momoKey?: string;
  momoSecret?: string;
  delays?: Partial<Delays>;
  now?: () => number;
  /** Most charges, refunds and keys that are remembered; the oldest go first. Default 10,000. */
  most?: number;
}

export interface PaymentsSandbox extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  charges(): SandboxCharge[];
  refunds(): SandboxRefund[];
  /** Tries of callbacks so far, and those of them that were taken. */
  callbacks(): { tried: number; delivered: number };
  /** While down, every request is answered with 503 and nothing is done. */
  setDown(down: boolean): void;
  /** Ends at once what is processing, and what waits to be told to. */
  settle(): void;
  reset(): void;
  close(): Promise<void>;
}

/** What is not secret at all, for a laptop. */
export const sandboxKeys = {
  stripeKey: "sk_test_sandbox",
  stripeSecret: "whsec_sandbox_stripe",
  momoKey: "momo_test_sandbox",
  momoSecret: `whsec_${Buffer.from("the sandbox of mobile money").toString("base64")}`,
};

/** For people who open it. */
const index = {
  sandbox: "cards as Stripe has them, and mobile money",
  "GET /sandbox/charges": "what was charged",
  "GET /sandbox/refunds": "what was given back",
  "POST /sandbox/settle": "ends at once what is processing",
  "POST /sandbox/down": "answers all with 503, until POST /sandbox/up",
  "POST /sandbox/reset": "forgets it all",
};

/** A card processor and a mobile money provider on this machine, which behave and misbehave as real ones do. */
export async function startPaymentsSandbox(options: PaymentsSandboxOptions = {}): Promise<PaymentsSandbox> {
  const { stripeKey, stripeSecret, momoKey, momoSecret } = { ...sandboxKeys, ...options };
  const { port = 0, webhookUrl, now = Date.now, most = 10_000 } = options;
  const delays = { ...usualDelays, ...options.delays };
  const timers = createTimers();
  const told = { tried: 0, delivered: 0 };
  const callbacks = createCallbacks({
    url: webhookUrl,
    delays,
    timers,
    tried: (delivered) => {
      told.tried++;
      if (delivered) told.delivered++;
    },
  });
  const means = { delays, timers, callbacks, now, most };
  const stripe = createStripe({ ...means, secret: stripeSecret });
  const momo = createMomo({ ...means, secret: momoSecret });
  const once = createOnce(most);
  let down = false;
  const isDown = () => down;

  const reset = () => {
    timers.clear();
    stripe.reset();
    momo.reset();
    once.reset();
    down = false;
    Object.assign(told, { tried: 0, delivered: 0 });
  };
  const settle = () => {
    stripe.settle();
    momo.settle();
  };
  const charges = () => chargesOf(stripe, momo);
  const refunds = () => refundsOf(stripe, momo);
  const own: Route = ({ method, path }) => {
    const what = `${method} ${path}`;
    if (what === "GET /") return { status: 200, body: index };
    if (what === "GET /sandbox/health") return { status: 200, body: { status: down ? "down" : "up" } };
    if (what === "GET /sandbox/charges") return { status: 200, body: { charges: charges() } };
    if (what === "GET /sandbox/refunds") return { status: 200, body: { refunds: refunds() } };
    if (what === "POST /sandbox/reset") reset();
    else if (what === "POST /sandbox/settle") settle();
    else if (what === "POST /sandbox/down") down = true;
    else if (what === "POST /sandbox/up") down = false;
    else return undefined;
    return { status: 200, body: {} };
  };

  const server = await listen(port, [
    own,
    stripeRoutes({ stripe, once, key: stripeKey, isDown }),
    momoRoutes({ momo, key: momoKey, isDown }),
  ]);
  const stop = async () => {
    timers.clear();
    await close(server);
  };
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    port: portOf(server),
    charges,
    refunds,
    callbacks: () => ({ ...told }),
    setDown: (value) => {
      down = value;
    },
    settle,
    reset,
    close: stop,
    [Symbol.asyncDispose]: stop,
  };
}
