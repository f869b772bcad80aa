import { UserDeletedSchema } from "#gen/user/v1/events_pb.js";
import type { Subscription } from "#mesh";
import { canonicalId, on } from "#mesh";
import { mappings } from "./facts/all.ts";
import type { Said } from "./facts/fact.ts";
import { factsOf } from "./facts/fact.ts";
import { forgetUser } from "./facts-store.ts";
import { lockFigures } from "./figures-lock.ts";
import type { Ingest } from "./ingest.ts";

/** Events that may share a transaction. */
const together = 32;

/** Counts all that happens on the platform. */
export function consumers({ ingest, now }: { ingest: Ingest; now: () => number }): Subscription[] {
  const counting = Object.entries(mappings).map(([service, mapped]) => {
    const byType = new Map(mapped.map(({ schema, facts }) => [schema.typeName, facts]));
    return on(
      mapped.map(({ schema }) => schema),
      async (message, event) => {
        const facts = byType.get(message.$typeName) as ((it: typeof message) => readonly Said[]) | undefined;
        await ingest(event.tx, factsOf(facts?.(message) ?? [], event));
      },
      // Only one at a time holds the lock of figures; more would but occupy connections.
      { name: `facts-of-${service}`, together, concurrency: 1 },
    );
  });
  const forgetting = on(
    UserDeletedSchema,
    async ({ userId }, { tx }) => {
      await lockFigures(tx);
      await forgetUser(tx, canonicalId(userId), new Date(now()));
    },
    { name: "forget-users", concurrency: 1 },
  );
  return [...counting, forgetting];
}
