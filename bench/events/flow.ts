import type { Settings } from "../benchmark.ts";
import type { Child } from "../harness/child.ts";
import { startChild } from "../harness/child.ts";
import { median } from "../harness/statistics.ts";
import { urlOf } from "./publishing.ts";
import type { Stores } from "./stores.ts";

export interface FlowFigures {
  /** Changes a second that were committed, told and had their effect, all at the same time. */
  readonly perSecond: number;
  /** Effects a second of what waited in the outbox, while nothing is added to it. */
  readonly drainPerSecond: number;
  /** From commit to effect, at a steady rate. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rate: number;
}

type Times = ReadonlyArray<readonly [id: string, ms: number]>;

const rate = 500;
const lanes = 24;

/** From a change in one process to its effect in another, by way of outbox, relay, broker and inbox. */
export async function measureFlow(stores: Stores, settings: Settings): Promise<FlowFigures> {
  const { quick, progress, signal } = settings;
  const [count, rounds] = quick ? [3000, 2] : [10_000, 4];
  const addresses = { natsUrl: stores.natsUrl, postgresUrl: stores.postgresUrl };
  const producer = startChild("producer", signal);
  const consumer = startChild("consumer", signal);
  const make = run(producer, "flow-producer.ts");
  const take = run(consumer, "flow-consumer.ts");
  try {
    progress.stage("from commit to effect");
    await take("open", addresses);
    progress.step("filling the outbox");
    await make("fill", { ...addresses, count, lanes });
    progress.step("emptying it");
    const draining = take<Times>("until", { count });
    await make("open", addresses);
    const drained = ratePerSecond(await draining);
    await take("reset");

    const rates: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      progress.step(`changes and effects together, round ${round} of ${rounds}`);
      const began = performance.timeOrigin + performance.now();
      await make("changeMany", { count, lanes });
      const times = await take<Times>("until", { count });
      rates.push((count / (Math.max(...times.map(([, at]) => at)) - began)) * 1000);
      await take("reset");
    }

    const seconds = quick ? 4 : 15;
    progress.step(`${rate} changes a second`);
    const committed = await make<Times>("changeAt", { rate, seconds });
    const effects = new Map(await take<Times>("until", { count: committed.length }));
    const latencies = committed
      .slice(rate)
      .map(([id, at]) => Math.max(0, (effects.get(id) ?? Number.NaN) - at))
      .toSorted((a, b) => a - b);
    return {
      perSecond: median(rates),
      drainPerSecond: drained,
      p50Ms: latencies[Math.floor(latencies.length * 0.5)] ?? Number.NaN,
      p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN,
      rate,
    };
  } finally {
    await Promise.all([producer.stop(), consumer.stop()]);
  }
}

const run =
  (child: Child, file: string) =>
  <T = void>(name: string, options: object = {}): Promise<T> =>
    child.ask("run", { module: urlOf(file), name, options: { ...options } }) as Promise<T>;

/** Without the first tenth, in which code is compiled. */
function ratePerSecond(times: Times): number {
  const sorted = times.map(([, at]) => at).toSorted((a, b) => a - b);
  const from = Math.floor(sorted.length / 10);
  const [first = 0, last = 0] = [sorted[from], sorted.at(-1)];
  return ((sorted.length - from) / (last - first)) * 1000;
}
