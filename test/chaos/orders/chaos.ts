import { setTimeout as sleep } from "node:timers/promises";
import type { Complaint } from "../checker.ts";
import { carryOut } from "../nemesis.ts";
import { backendsOf, signal } from "../stores.ts";
import type { Books } from "./audit.ts";
import { audit, isOver } from "./audit.ts";
import type { Bookkeeper } from "./bookkeeper.ts";
import { openBookkeeper } from "./bookkeeper.ts";
import type { Market } from "./market.ts";
import { openMarket } from "./market.ts";
import type { Planned, Target } from "./plan.ts";
import { openShoppers } from "./shoppers.ts";

export interface OrdersChaosOptions {
  readonly seed: number;
  readonly plan: readonly Planned[];
  readonly forMs: number;
  /** How many buy at once. */
  readonly people: number;
  /** Told of each fault as it begins. */
  readonly told?: (fault: Planned) => void;
  /** Leaves logs and data for a look. */
  readonly keep?: boolean;
}

export interface OrdersReport {
  /** When they came about. */
  readonly faults: readonly Planned[];
  readonly complaints: readonly Complaint[];
  readonly counts: Readonly<Record<string, number>>;
  readonly folder: string;
}

/** Whatever was done to it, it must come to rest within this. */
const settleMs = 180_000;
/** So that faults hit what is at work. */
const warmMs = 1000;
const lookMs = 500;

/** Lets a plan loose on a platform where people buy, and looks where the money and the goods are. */
export async function ordersChaos(options: OrdersChaosOptions): Promise<OrdersReport> {
  const { seed, plan, forMs, people, told, keep = false } = options;
  await using market = await openMarket({ keep });
  const shoppers = await openShoppers(market, { seed, people });
  await using bookkeeper = openBookkeeper(market, shoppers);
  await sleep(warmMs);
  const faults: Planned[] = [];
  await carryOut(plan, forMs, async (fault) => {
    faults.push(fault);
    told?.(fault);
    await strike(fault, market);
  });
  const isAtRest = await shoppers.rest();
  const fromMs = performance.now();
  const books = await settled(market, bookkeeper);
  const endless = { what: "a customer waits for an answer and gets none", where: "gateway" };
  return {
    faults,
    folder: market.folder,
    complaints: [...(isAtRest ? [] : [endless]), ...audit(books)],
    counts: {
      ...shoppers.counts(),
      ...countsOf(books),
      "starts of the platform": market.starts(),
      settledMs: Math.round(performance.now() - fromMs),
    },
  };
}

/** The books when nothing is due any more, or as they are when that takes too long. */
async function settled({ sandbox }: Market, bookkeeper: Bookkeeper): Promise<Books> {
  const untilMs = performance.now() + settleMs;
  for (;;) {
    // Refunds that wait for somebody to say so.
    sandbox.settle();
    const books = await bookkeeper.books().catch((error: unknown) => {
      if (performance.now() > untilMs) throw error;
      return undefined;
    });
    const isDone =
      books?.orders.every(isOver) &&
      books.payments.every(({ state, refunding }) => state !== "pending" && refunding === 0n) &&
      isHeardOf(books) &&
      books.stocks.every(({ reserved }) => reserved === 0) &&
      books.outbox === 0;
    if (books && (isDone || performance.now() > untilMs)) return books;
    await sleep(lookMs);
  }
}

/** What comes back to a provider later calls for a look, and may be on its way. */
function isHeardOf({ payments, charges }: Books): boolean {
  const known = new Map(payments.map(({ id, refunded }) => [id, refunded]));
  return charges.every(({ paymentId, refunded }) => known.get(paymentId) === refunded);
}

async function strike(fault: Planned, market: Market): Promise<void> {
  const { postgres, sandbox } = market;
  switch (fault.kind) {
    case "kill": {
      const { target, forMs } = fault;
      if (target === "nats" || target === "postgres") return market[target].kill(() => sleep(forMs));
      for (const pid of pidsOf(target, market)) signal(pid, "SIGKILL");
      return;
    }
    case "stop": {
      const pids = pidsOf(fault.target, market);
      for (const pid of pids) signal(pid, "SIGSTOP");
      await sleep(fault.forMs);
      for (const pid of pids) signal(pid, "SIGCONT");
      return;
    }
    case "crash-backend": {
      const backends = backendsOf(postgres);
      const pid = backends[fault.pick % backends.length];
      if (pid !== undefined) signal(pid, "SIGKILL");
      return;
    }
    case "power":
      return market.power(fault.forMs);
    case "outside":
      sandbox.setDown(true);
      await sleep(fault.forMs);
      return sandbox.setDown(false);
  }
}

function pidsOf(target: Target, market: Market): number[] {
  if (target === "nats" || target === "postgres") return market[target].pids();
  const pid = market.pidOf(target);
  return pid ? [pid] : [];
}

function countsOf({ orders, payments, charges }: Books): Record<string, number> {
  const by = Map.groupBy(orders, ({ status }) => `orders ${status}`);
  return {
    ...Object.fromEntries([...by].map(([name, { length }]) => [name, length])),
    payments: payments.length,
    "payments that went back": charges.filter(({ amount, refunded }) => refunded === amount).length,
    charges: charges.length,
  };
}
