import { UserDeletedSchema } from "#gen/user/v1/events_pb.js";
import type { Subscription } from "#mesh";
import { afterCommit, canonicalId, lockNamed, on } from "#mesh";
import { mappings } from "./facts/all.ts";
import type { Said } from "./facts/fact.ts";
import { factsOf } from "./facts/fact.ts";
import { forgetUser } from "./facts-store.ts";
import { lockFigures } from "./figures-lock.ts";
import { putWaiting } from "./waiting-store.ts";

/** Events that may share a transaction, and how long one may wait for others to: figures need not be of this moment. */
const [together, gatherMs] = [32, 200];

export interface ConsumersOptions {
  /** Told when facts wait to be counted. */
  wake: () => void;
  now: () => number;
}

/** Puts by all that happens on the platform, to be counted. */
export function consumers({ wake, now }: ConsumersOptions): Subscription[] {
  const counting = Object.entries(mappings).map(([service, mapped]) => {
    const byType = new Map(mapped.map(({ schema, facts }) => [schema.typeName, facts]));
    return on(
      mapped.map(({ schema }) => schema),
      async (message, event) => {
        const facts = byType.get(message.$typeName) as ((it: typeof message) => readonly Said[]) | undefined;
        await putWaiting(event.tx, factsOf(facts?.(message) ?? [], event), new Date(now()));
        afterCommit(event.tx, wake);
      },
      { name: `facts-of-${service}`, together, gatherMs, concurrency: 1 },
    );
  });
  const forgetting = on(
    UserDeletedSchema,
    async (message, { tx }) => {
      const userId = canonicalId(message.userId);
      // In the order in which tracking takes them.
      await lockNamed(tx, `user:${userId}`);
      await lockFigures(tx);
      await forgetUser(tx, userId, new Date(now()));
    },
    { name: "forget-users", concurrency: 1 },
  );
  return [...counting, forgetting];
}
