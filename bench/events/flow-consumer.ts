/** The process in which what was told has its effect. */
import { UserCreatedSchema } from "../../gen/user/v1/events_pb.js";
import { afterCommit } from "../../mesh/db/database.ts";
import { on } from "../../mesh/events/consume/on.ts";
import { epochNow } from "../../mesh/telemetry/tracer.ts";
import { openInstance } from "./instance.ts";

/** When each effect was committed. */
let effects = new Map<string, number>();
let wanted = Number.POSITIVE_INFINITY;
let enough = Promise.withResolvers<void>();

export async function open(addresses: { natsUrl: string; postgresUrl: string }): Promise<void> {
  const { bus, db } = await openInstance({ service: "security", ...addresses });
  if (!db) throw new Error("no database");
  await db.sql`create table if not exists effects (id uuid primary key)`;
  bus.consume([
    on(
      UserCreatedSchema,
      async ({ userId }, { tx }) => {
        await tx`insert into effects (id) values (${userId})`;
        afterCommit(tx, () => {
          effects.set(userId, epochNow());
          if (effects.size >= wanted) enough.resolve();
        });
      },
      { together: 32 },
    ),
  ]);
}

/** From here on, effects are counted anew. */
export function reset(): void {
  effects = new Map();
  wanted = Number.POSITIVE_INFINITY;
  enough = Promise.withResolvers();
}

/** When each effect was there, once there are so many. */
export async function until({ count }: { count: number }): Promise<Array<readonly [string, number]>> {
  wanted = count;
  if (effects.size >= count) return [...effects];
  await enough.promise;
  return [...effects];
}
