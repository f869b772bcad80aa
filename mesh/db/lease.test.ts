import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { TestInstance, TestWorld } from "../testing/bus.ts";
import { openWorld } from "../testing/bus.ts";
import { silentLog } from "../testing/nats.ts";
import type { Lease } from "./lease.ts";
import { holdLease } from "./lease.ts";

let world: TestWorld;
let it: TestInstance;
beforeAll(async () => {
  world = openWorld();
  it = await world.instance("lease");
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const until = (holds: () => void) => vi.waitFor(holds, { timeout: 10_000, interval: 5 });
let names = 0;

interface Contender {
  readonly lease: Lease;
  epoch: bigint | undefined;
  won: number;
}
function contend(name: string, holder: string, ttlMs = 300): Contender {
  const contender = { epoch: undefined as bigint | undefined, won: 0 } as Contender & { lease: Lease };
  contender.lease = holdLease({
    db: it.db,
    name,
    holder,
    log: silentLog,
    ttlMs,
    won: (epoch) => {
      contender.epoch = epoch;
      contender.won++;
    },
    lost: () => {
      contender.epoch = undefined;
    },
  });
  return contender;
}
const holders = (all: readonly Contender[]) => all.filter(({ epoch }) => epoch !== undefined);

test("one holds it; when it gives it up another does, with a greater number", async () => {
  const name = `lease ${++names}`;
  const all = ["a", "b", "c"].map((holder) => contend(name, holder));
  await until(() => expect(holders(all)).toHaveLength(1));
  const [first] = holders(all);
  const epoch = first!.epoch!;
  await first!.lease.release();
  await until(() => expect(holders(all)).toHaveLength(1));
  const [second] = holders(all);
  expect(second).not.toBe(first);
  expect(second!.epoch).toBeGreaterThan(epoch);
  await Promise.all(all.map(({ lease }) => lease.release()));
});

test("one who falls silent loses it, and learns of that when it speaks again", async () => {
  const name = `lease ${++names}`;
  const first = contend(name, "a");
  await until(() => expect(first.epoch).toBeDefined());
  // As if it had been paused for longer than the lease lasts.
  await it.db.sql`update weft_leases set until = now() - interval '1 s', holder = 'b' where name = ${name}`;
  await it.db.sql`update weft_fences set epoch = epoch + 1 where name = ${name}`;
  await until(() => expect(first.epoch).toBeUndefined());
  await until(() => expect(first.won).toBe(2));
  await first.lease.release();
});

test("nobody takes it over while a transaction relies on it", async () => {
  const name = `lease ${++names}`;
  const first = contend(name, "a");
  await until(() => expect(first.epoch).toBeDefined());
  const order: string[] = [];
  const inside = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const working = it.db.transaction(async (tx) => {
    await tx`select 1 from weft_fences where name = ${name} for share`;
    inside.resolve();
    await go.promise;
    order.push("committed");
  });
  await inside.promise;
  await first.lease.release();
  const second = contend(name, "b");
  const won = until(() => expect(second.epoch).toBeDefined()).then(() => order.push("taken over"));
  await vi.waitFor(
    async () => {
      const waiting = await it.db
        .sql`select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
      expect(waiting.length).toBeGreaterThan(0);
    },
    { timeout: 5000, interval: 10 },
  );
  go.resolve();
  await Promise.all([working, won]);
  expect(order).toEqual(["committed", "taken over"]);
  await second.lease.release();
});
