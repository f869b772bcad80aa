import type { Benchmark } from "../benchmark.ts";
import { resultObjects } from "../harness/results.ts";
import { medianOf, spreadOf } from "../harness/statistics.ts";
import type { Table } from "../harness/table.ts";
import { startPlatform } from "./platform.ts";
import type { OrderFigures } from "./shop.ts";
import { openShop } from "./shop.ts";

interface OrdersResult extends OrderFigures {
  readonly case: string;
  readonly lanes: number;
  readonly spread: number;
}

export const orders: Benchmark = {
  summary: "orders, from the REST call to paid, through every service and its stores",
  needsPeers: false,
  async run({ quick, progress, signal }) {
    const [count, rounds] = quick ? [60, 1] : [400, 3];
    const results: OrdersResult[] = [];
    for (const isolate of [false, true]) {
      const name = isolate ? "a process for each service" : "one process";
      progress.stage(`${name}: starting`);
      await using platform = await startPlatform(isolate);
      const shop = await openShop(platform);
      await shop.sell(count / 4, 4);
      for (const lanes of [1, 16]) {
        const measured: OrderFigures[] = [];
        for (let round = 1; round <= rounds; round++) {
          signal.throwIfAborted();
          progress.stage(`${name}, ${lanes} at once, round ${round} of ${rounds}`);
          measured.push(await shop.sell(lanes === 1 ? count / 4 : count, lanes));
        }
        const spread = spreadOf(measured.map(({ ordersPerSecond }) => ordersPerSecond));
        results.push({ case: name, lanes, spread, ...medianOf(measured) });
      }
    }
    return { tables: [tableOf(results)], ratios: {}, targets: [], cases: resultObjects(results) };
  },
};

const tableOf = (results: readonly OrdersResult[]): Table => ({
  title: "orders over REST: placed, paid by card, and paid as the order says",
  head: ["", "at once", "orders/s", "±", "placed p50 ms", "p99", "paid p50 ms", "p99"],
  rows: results.map((it) => [
    it.case,
    String(it.lanes),
    it.ordersPerSecond.toFixed(1),
    `${(it.spread * 100).toFixed(0)} %`,
    it.placedP50Ms.toFixed(1),
    it.placedP99Ms.toFixed(1),
    it.paidP50Ms.toFixed(1),
    it.paidP99Ms.toFixed(1),
  ]),
});
