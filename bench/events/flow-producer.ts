/** The process that changes something and tells of it. */
import { setTimeout as sleep } from "node:timers/promises";
import { UserCreatedSchema } from "../../gen/user/v1/events_pb.js";
import type { Database } from "../../mesh/db/database.ts";
import type { Events } from "../../mesh/events/events.ts";
import { createEvents } from "../../mesh/events/events.ts";
import { newId } from "../../mesh/id.ts";
import { addToOutbox } from "../../mesh/outbox/outbox-store.ts";
import { createTracer, epochNow } from "../../mesh/telemetry/tracer.ts";
import { inLanes } from "../harness/lanes.ts";
import { openInstance, openOwn } from "./instance.ts";
import type { Amount } from "./jobs.ts";

interface Addresses {
  readonly natsUrl: string;
  readonly postgresUrl: string;
}

let opened: { events: Events; db: Database } | undefined;

export async function open({ natsUrl, postgresUrl }: Addresses): Promise<void> {
  const { bus, db } = await openInstance({
    service: "user",
    natsUrl,
    postgresUrl,
    publishes: [UserCreatedSchema],
  });
  if (!db) throw new Error("no database");
  opened = { events: bus.events, db };
}

/** Changes with nobody yet to publish what they tell. */
export async function fill({ postgresUrl, ...amount }: Addresses & Amount): Promise<void> {
  const db = await openOwn(postgresUrl, "user");
  await db.sql`create table changes (id uuid primary key)`;
  const events = createEvents({
    service: "user",
    publishes: [UserCreatedSchema],
    take: (message, key, tx) => addToOutbox(tx ?? db.sql, message, key),
    tracer: createTracer({ service: "user" }),
    now: Date.now,
  });
  opened = { events, db };
  await changeMany(amount);
  await db.close();
}

/** One change of the business with its event, in a transaction. */
async function change(): Promise<string> {
  if (!opened) throw new Error("not open");
  const { events, db } = opened;
  const userId = newId();
  await db.transaction(async (tx) => {
    await tx`insert into changes (id) values (${userId})`;
    await events.publish(UserCreatedSchema, { userId }, tx);
  });
  return userId;
}

/** So many changes, as fast as they go. */
export async function changeMany({ count, lanes }: Amount): Promise<number> {
  const began = performance.now();
  await inLanes(count, lanes, change);
  return performance.now() - began;
}

/** Changes at a rate, each at its time whether or not those before are done; when each was committed. */
export async function changeAt({
  rate,
  seconds,
}: {
  rate: number;
  seconds: number;
}): Promise<Array<readonly [string, number]>> {
  const committed: Array<readonly [string, number]> = [];
  const running: Promise<void>[] = [];
  const began = performance.now();
  for (let at = 0; at < rate * seconds; at++) {
    const dueMs = began + (at / rate) * 1000;
    const early = dueMs - performance.now();
    if (early > 1) await sleep(early);
    running.push(change().then((id) => void committed.push([id, epochNow()])));
  }
  await Promise.all(running);
  return committed;
}
