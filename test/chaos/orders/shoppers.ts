import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../gateway/kit/fuzz-random.ts";
import { createRandom } from "../../gateway/kit/fuzz-random.ts";
import type { Wish } from "./audit.ts";
import type { Market } from "./market.ts";

export interface Good {
  readonly id: string;
  readonly had: number;
}

/** People who buy, each one order after the other, until they are told to rest. */
export interface Shoppers {
  readonly goods: readonly Good[];
  wishes(): Wish[];
  /** What came of it, for people. */
  counts(): Record<string, number>;
  /** Ends when all have finished what they had begun; false when some do not. */
  rest(): Promise<boolean>;
}

export interface ShoppersOptions {
  readonly seed: number;
  readonly people: number;
}

/** Cards and telephones that do all that can happen. `pm_card_visa` most of all. */
const means = [
  ...Array.from({ length: 8 }, () => "pm_card_visa"),
  "pm_card_chargeDeclined",
  "pm_card_pendingRefund",
  "pm_card_sandbox_slow",
  "pm_card_sandbox_hangs_up",
  "pm_card_sandbox_no_answer",
  "pm_card_sandbox_lost",
  "pm_card_sandbox_silent",
  "pm_card_sandbox_webhook_first",
  "pm_card_sandbox_webhook_twice",
  "pm_card_sandbox_webhook_late",
  "pm_card_sandbox_processing",
  "pm_card_sandbox_processing_fails",
  "pm_card_sandbox_refund_fails_once",
  "pm_card_sandbox_refund_hangs_up",
  "pm_card_sandbox_refund_comes_back_once",
  "+233200001111",
  "+233200000001",
  "+233200000003",
  "+233200000005",
  "+233200000009",
] as const;
/** A tenth of the goods are few, so that some orders come too late. */
const pieces = [100_000, 100_000, 100_000, 100_000, 100_000, 100_000, 100_000, 100_000, 100_000, 12];
const answerMs = 20_000;
const restMs = 90_000;
const againMs = 200;
/** Well before the end of an access token's life. */
const tokenLifeMs = 5 * 60_000;

interface Answer {
  readonly status: number;
  readonly data: Record<string, unknown>;
}

export async function openShoppers(market: Market, { seed, people }: ShoppersOptions): Promise<Shoppers> {
  const tokens = new Map<string, { readonly token: Promise<string>; readonly sinceMs: number }>();
  const tokenOf = async (role: string, email: string) => {
    const known = tokens.get(email);
    if (known && performance.now() - known.sinceMs < tokenLifeMs) return known.token;
    const token = market.token(role, email);
    tokens.set(email, { token, sinceMs: performance.now() });
    // Who cannot have one now asks again.
    token.catch(() => tokens.delete(email));
    return token;
  };
  const counts: Record<string, number> = {};
  const count = (what: string) => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  let restsAtMs = Number.POSITIVE_INFINITY;

  /** Once; nothing when nobody knows what came of it. */
  const ask = async (
    [role, email]: readonly [string, string],
    [method, path]: readonly [string, string],
    key: string,
    body: object,
  ): Promise<Answer | undefined> => {
    try {
      const answer = await fetch(`${market.gatewayUrl}/api/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${await tokenOf(role, email)}`,
          "content-type": "application/json",
          "idempotency-key": key,
        },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(answerMs),
      });
      const { data, code } = (await answer.json()) as { data?: Answer["data"]; code?: string };
      if (answer.status === 401) tokens.delete(email);
      const isSure = answer.status < 500 && ![401, 403, 429].includes(answer.status) && code !== "aborted";
      return isSure ? { status: answer.status, data: data ?? {} } : undefined;
    } catch {
      return undefined;
    }
  };
  /** With the same key until it is known what came of it, or for too long. */
  const insist = async (...request: Parameters<typeof ask>): Promise<Answer | undefined> => {
    for (;;) {
      const answer = await ask(...request);
      if (answer) return answer;
      count("asked again");
      if (performance.now() - restsAtMs > restMs / 2) return undefined;
      await sleep(againMs);
    }
  };

  const seller = ["Seller", "seller@example.com"] as const;
  const goods: Good[] = [];
  for (const had of pieces) {
    const product = { name: "Bowl", price: { currency: "USD", minor_units: "1999" }, stock: had };
    const offered = await insist(seller, ["POST", "/products"], randomUUID(), product);
    if (offered?.status !== 201) throw new Error(`a product cannot be offered: ${JSON.stringify(offered)}`);
    goods.push({ id: String(offered.data.id), had });
  }
  const wishes: Wish[] = [];

  const pay = async (who: readonly [string, string], orderId: string, source: string, key = randomUUID()) => {
    const method = source.startsWith("+") ? { mobile_money: { phone: source } } : { card: { token: source } };
    const answer = await insist(who, ["POST", "/payments"], key, { order_id: orderId, ...method });
    count(answer?.status === 201 ? "payments taken" : "payments refused");
  };
  const callOff = (who: readonly [string, string], orderId: string) =>
    insist(who, ["POST", `/orders/${orderId}:cancel`], randomUUID(), { reason: "changed my mind" });

  const buy = async (who: readonly [string, string], random: Random) => {
    const key = randomUUID();
    const lines = [{ product_id: random.of(goods).id, quantity: 1 + random.below(3) }];
    const at = wishes.push({ key, orderId: undefined }) - 1;
    const place = () => insist(who, ["POST", "/orders"], key, { lines });
    // Somebody who clicks twice.
    const [placed] = await Promise.all(random.oneIn(5) ? [place(), place()] : [place()]);
    if (placed?.status !== 201) return count(placed ? "orders refused" : "orders unknown");
    const orderId = String(placed.data.id);
    wishes[at] = { key, orderId };
    count("orders placed");
    const source = random.of(means);
    switch (random.below(10)) {
      case 0:
        return;
      case 1:
        return void (await callOff(who, orderId));
      case 2:
        return void (await Promise.all([pay(who, orderId, source), callOff(who, orderId)]));
      case 3:
        await Promise.all([pay(who, orderId, source), pay(who, orderId, random.of(means))]);
        return;
      case 4:
        await pay(who, orderId, source);
        return void (await callOff(who, orderId));
      default: {
        const paymentKey = randomUUID();
        const clicks = random.oneIn(3) ? 2 : 1;
        await Promise.all(Array.from({ length: clicks }, () => pay(who, orderId, source, paymentKey)));
      }
    }
  };

  const shop = async (n: number) => {
    const random = createRandom(seed + n);
    const who = ["Customer", `customer-${n}@example.com`] as const;
    while (performance.now() < restsAtMs) await buy(who, random);
  };
  const shopping = Promise.all(Array.from({ length: people }, (_, n) => shop(n + 1)));
  shopping.catch(() => {});

  return {
    goods,
    wishes: () => wishes,
    counts: () => counts,
    async rest() {
      restsAtMs = performance.now();
      const late = new AbortController();
      const ended = await Promise.race([
        shopping.then(() => true),
        sleep(restMs, false, { signal: late.signal }).catch(() => false),
      ]);
      late.abort();
      return ended;
    },
  };
}
