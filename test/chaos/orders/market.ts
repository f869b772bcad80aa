import type { ChildProcess } from "node:child_process";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { launchAs } from "../../../embedded/process/run-as.ts";
import type { PaymentsSandbox } from "../../../sandbox/payments/start.ts";
import { sandboxKeys, startPaymentsSandbox } from "../../../sandbox/payments/start.ts";
import type { StoreServer } from "../stores.ts";
import { ownPort, signal, startNatsServer, startPostgresServer } from "../stores.ts";
import type { Service } from "./plan.ts";
import { services } from "./plan.ts";

/** A platform as `weft up --isolate` makes it, over stores and a card processor of the run. */
export interface Market extends AsyncDisposable {
  readonly folder: string;
  readonly gatewayUrl: string;
  readonly nats: StoreServer;
  readonly postgres: StoreServer;
  readonly sandbox: PaymentsSandbox;
  /** Of the process that a service has now; nothing while it has none. */
  pidOf(service: Service): number | undefined;
  /** Ends all services and who looks after them, and starts them again after so long. */
  power(forMs: number): Promise<void>;
  /** An access token of a user with this role, made on first use. */
  token(role: string, email: string): Promise<string>;
  /** How often the whole platform was begun. */
  starts(): number;
}

const main = join(import.meta.dirname, "../../../cli/main.ts");
const readyMs = 120_000;
const afterExitMs = 500;
/** What does not stop by then would hide the report. */
const stopMs = 30_000;
/** Unpaid orders are called off within the run, and what providers keep to themselves is soon asked for. */
const impatience = {
  ORDER_PAY_WITHIN: "20s",
  PAYMENT_PROVIDER_TIMEOUT: "1s",
  PAYMENT_ASK_AGAIN: "3s",
  PAYMENT_RETRY: "100ms",
};
const delays = { slowMs: 500, settleMs: 300, lateMs: 2000, retryMs: 200, expiryMs: 3000 };

export async function openMarket({ keep = false } = {}): Promise<Market> {
  const folder = mkdtempSync(join(tmpdir(), "weft-chaos-orders-"));
  await using opened = new AsyncDisposableStack();
  opened.defer(() => {
    if (!keep) rmSync(folder, { recursive: true, force: true });
  });
  const [postgres, nats] = await Promise.all([startPostgresServer(folder), startNatsServer(folder)]);
  opened.defer(() => Promise.all([postgres.stop(), nats.stop()]).then(() => {}));
  const port = await ownPort();
  const gatewayUrl = `http://127.0.0.1:${port}`;
  const webhookUrl = `${gatewayUrl}/api/v1/payments/callbacks`;
  const sandbox = opened.use(await startPaymentsSandbox({ webhookUrl, delays, most: 100_000 }));
  const env = {
    ...process.env,
    ...impatience,
    NO_COLOR: "1",
    WEFT_DIR: folder,
    DATABASE_URL: postgres.url,
    NATS_URL: nats.url,
    GATEWAY_PORT: String(port),
    // A few customers ask for all orders.
    GATEWAY_RATE_LIMITS: "false",
    WEFT_SANDBOX: "false",
    PAYMENT_STRIPE_URL: sandbox.url,
    PAYMENT_STRIPE_KEY: sandboxKeys.stripeKey,
    PAYMENT_STRIPE_WEBHOOK_SECRET: sandboxKeys.stripeSecret,
    PAYMENT_MOMO_URL: sandbox.url,
    PAYMENT_MOMO_KEY: sandboxKeys.momoKey,
    PAYMENT_MOMO_WEBHOOK_SECRET: sandboxKeys.momoSecret,
  };
  const platform = opened.use(keepUp(folder, env));
  await untilAnswers(`${gatewayUrl}/health`);

  const all = opened.move();
  return {
    folder,
    gatewayUrl,
    nats,
    postgres,
    sandbox,
    pidOf: (service) => pidsIn(folder)[service]?.pid,
    power: platform.power,
    starts: platform.starts,
    async token(role, email) {
      const args = [main, "token", "--role", role, "--email", email];
      return (await promisify(execFile)(process.execPath, args, { env })).stdout.trim();
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** `weft up`, begun again whenever it ends. */
function keepUp(folder: string, env: NodeJS.ProcessEnv) {
  let child: ChildProcess;
  let stopped = false;
  let starts = 0;
  let pauseMs = afterExitMs;
  let timer: NodeJS.Timeout | undefined;
  const begin = () => {
    starts++;
    const log = openSync(join(folder, "up.log"), "a");
    const words = services.filter((name) => name !== "gateway" && name !== "security");
    // It must not outlive us, however we end.
    const launch = launchAs(process.execPath, [main, "up", "--isolate", ...words], {
      needs: [],
      partingSignal: "SIGKILL",
    });
    child = spawn(launch.command, launch.args, { env, stdio: ["ignore", log, log] });
    closeSync(log);
    child.once("exit", () => {
      if (!stopped) timer = setTimeout(begin, pauseMs);
      pauseMs = afterExitMs;
    });
  };
  begin();
  return {
    starts: () => starts,
    async power(forMs: number) {
      pauseMs = forMs;
      for (const { pid } of Object.values(pidsIn(folder))) signal(pid, "SIGKILL");
      child.kill("SIGKILL");
      await sleep(forMs);
    },
    async [Symbol.asyncDispose]() {
      stopped = true;
      clearTimeout(timer);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), stopMs);
      await gone;
      clearTimeout(late);
    },
  };
}

/** As `weft up` last told. */
function pidsIn(folder: string): Record<string, { readonly pid: number }> {
  try {
    const { services } = JSON.parse(readFileSync(join(folder, "up.json"), "utf8")) as {
      services: Record<string, { pid: number }>;
    };
    return services;
  } catch {
    // It is just starting, or was ended while it wrote.
    return {};
  }
}

async function untilAnswers(url: string): Promise<void> {
  const untilMs = performance.now() + readyMs;
  for (;;) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
    if (performance.now() > untilMs) throw new Error(`${url} does not answer`);
    await sleep(100);
  }
}
