/** The process that changes something and tells of it. */
import { setTimeout as sleep } from "node:timers/promises";
import { UserCreatedSchema } from "../../gen/user/v1/events_pb.js";
import type { Database } from "../../mesh/db/database.ts";
import type { Bus } from "../../mesh/events/bus.ts";
import { newId } from "../../mesh/id.ts";
import { epochNow } from "../../mesh/telemetry/tracer.ts";
import { openInstance } from "./instance.ts";

interface Addresses {
  readonly natsUrl: string;
  readonly postgresUrl: string;
}

let opened: { bus: Bus; db: Database } | undefined;

export async function open({ natsUrl, postgresUrl }: Addresses): Promise<void> {
  const { bus, db } = await openInstance({
    service: "user",
    natsUrl,
    postgresUrl,
    publishes: [UserCreatedSchema],
  });
  if (!db) throw new Error("no database");
  await db.sql`create table if not exists changes (id uuid primary key)`;
  opened = { bus, db };
}

/** One change of the business with its event, in a transaction. */
async function change(): Promise<string> {
  if (!opened) throw new Error("not open");
  const { bus, db } = opened;
  const userId = newId();
  await db.transaction(async (tx) => {
    await tx`insert into changes (id) values (${userId})`;
    await bus.events.publish(UserCreatedSchema, { userId }, tx);
  });
  return userId;
}

/** So many changes, as fast as they go. */
export async function changeMany({ count, lanes }: { count: number; lanes: number }): Promise<number> {
  let left = count;
  const began = performance.now();
  const lane = async () => {
    while (left-- > 0) await change();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
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
