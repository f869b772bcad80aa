import { jetstreamManager } from "@nats-io/jetstream";
import { describe, expect, test, vi } from "vitest";
import { UserCreatedSchema, UserUpdatedSchema } from "#gen/user/v1/events_pb.js";
import { openDeadLetters } from "../dead-letters/dead-letters.ts";
import { newId } from "../id.ts";
import { openWorld } from "../testing/bus.ts";
import type { OnOptions } from "./consume/on.ts";
import { on } from "./consume/on.ts";
import { eventTypeOf } from "./contract/event-type.ts";

const publishes = [UserCreatedSchema, UserUpdatedSchema];
const until = (holds: () => void | Promise<void>) => vi.waitFor(holds, { timeout: 15_000, interval: 10 });

describe("events that a consumer is not there for", () => {
  const ways: [string, OnOptions][] = [
    ["one by one", {}],
    ["together", { together: 16, gatherMs: 50, concurrency: 1 }],
    ["in order", { ordered: true }],
  ];
  test.each(ways)("are done without a transaction, %s", async (_way, options) => {
    await using world = openWorld();
    const user = await world.instance("user", { publishes });
    const other = await world.instance("security");
    const seen: string[] = [];
    const [wanted, unwanted] = [0, 1].map(() => Array.from({ length: 10 }, () => newId())) as [
      string[],
      string[],
    ];
    other.bus.consume([
      on(UserCreatedSchema, ({ userId }) => void seen.push(userId), {
        ...options,
        name: "some",
        when: ({ userId }) => wanted.includes(userId),
      }),
    ]);
    const all = wanted.flatMap((it, at) => [it, unwanted[at] ?? ""]);
    for (const userId of all) await user.bus.events.publish(UserCreatedSchema, { userId });
    await until(async () => {
      expect([...seen].sort()).toEqual([...wanted].sort());
      expect(await other.metrics.render()).toMatch(
        /weft_events_handled_total\{[^}]*outcome="passed"[^}]*\} 10/,
      );
      expect(await other.db.sql`select 1 from weft_inbox`).toHaveLength(10);
    });
  });

  test("become dead letters when it cannot be told", async () => {
    await using world = openWorld();
    const user = await world.instance("user", { publishes });
    const other = await world.instance("security");
    other.bus.consume([
      on(UserCreatedSchema, () => {}, {
        name: "some",
        attempts: 2,
        backoffMs: 5,
        when: () => {
          throw new Error("who knows");
        },
      }),
    ]);
    const id = await user.bus.events.publish(UserCreatedSchema, { userId: newId() });
    await until(async () => {
      const letter = await openDeadLetters(other.nats).get(`security.some.${id}`);
      expect(JSON.stringify(letter)).toContain("who knows");
    });
  });
});

describe("events that may wait for others", () => {
  test("share a transaction though they come one after the other", async () => {
    await using world = openWorld();
    const user = await world.instance("user", { publishes });
    const other = await world.instance("security");
    const transactions: string[] = [];
    const handle = async (_: unknown, { tx }: { tx: typeof other.db.sql }) => {
      const [row] = await tx`select pg_current_xact_id()::text as id`;
      transactions.push(row?.id as string);
    };
    other.bus.consume([on(UserCreatedSchema, handle as never, { together: 16, gatherMs: 300 })]);
    // The first of all waits for the consumer to be there.
    await user.bus.events.publish(UserCreatedSchema, { userId: newId() });
    await until(() => expect(transactions).toHaveLength(1));
    for (let n = 0; n < 5; n++) await user.bus.events.publish(UserCreatedSchema, { userId: newId() });
    await until(() => expect(transactions).toHaveLength(6));
    expect(new Set(transactions.slice(1)).size).toBe(1);
  });

  test("are handed back at once by a consumer that stops", async () => {
    await using world = openWorld();
    const user = await world.instance("user", { publishes });
    const first = await world.instance("security");
    const seen: string[] = [];
    const gathering = { together: 16, gatherMs: 10_000 };
    first.bus.consume([on(UserCreatedSchema, () => void seen.push("first"), gathering)]);
    await user.bus.events.publish(UserCreatedSchema, { userId: newId() });
    const { nats } = first;
    const manager = await jetstreamManager(nats.connection);
    await until(async () => {
      const durable = nats.nameOf("security-user_created");
      const info = await manager.consumers
        .info(nats.nameOf(eventTypeOf(UserCreatedSchema).stream), durable)
        .catch(() => undefined);
      expect(info?.num_ack_pending).toBe(1);
    });
    await first.stop();
    const second = await world.instance("security");
    second.bus.consume([on(UserCreatedSchema, () => void seen.push("second"))]);
    await until(() => expect(seen).toEqual(["second"]));
  });

  test("must be of a consumer that handles several at once", async () => {
    await using world = openWorld();
    const other = await world.instance("security");
    expect(() => other.bus.consume([on(UserCreatedSchema, () => {}, { gatherMs: 100 })])).toThrow(
      /gathers events for user_created and handles them one by one/,
    );
  });
});
