import { setTimeout as sleep } from "node:timers/promises";
import type { KV, KvWatchEntry } from "@nats-io/kv";
import type { UserIdentity } from "../call/identity.ts";
import type { Logger } from "../log/logger.ts";
import type { Nats } from "../nats/nats.ts";

/**
 * What has changed since a token was issued. The issuer writes it to a bucket
 * that every process watches, so it is in force everywhere within a second and
 * costs a call nothing but two map lookups. Entries live a little longer than
 * the longest access token, after which they say nothing new.
 */
export const standingBucket = "weft_standing";
export const standingTtlMs = 15 * 60_000;

const loadTimeoutMs = 3000;
const rewatchMs = 1000;

/** Bucket key of a session that was ended. */
export const sessionKey = (sessionId: string) => `session.${sessionId}`;
/** Bucket key of a user whose roles were changed. */
export const userKey = (userId: string) => `user.${userId}`;

export interface Grant {
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
}

export interface Standing {
  isRevoked(sessionId: string): boolean;
  /** The user with today's roles, whatever the token says. */
  current(user: UserIdentity): UserIdentity;
}

export const openStandingBucket = (nats: Nats): Promise<KV> =>
  nats.bucket(standingBucket, { ttl: standingTtlMs, history: 1 });

interface Entry<T> {
  readonly value: T;
  readonly expires: number;
}

/** Loads the bucket and follows it. Resolves when all that was known at the start is in. */
export async function watchStanding(
  nats: Nats,
  log: Logger,
  now: () => number = Date.now,
): Promise<Standing> {
  // A broker that cannot keep the bucket at all is told of at the start.
  await openStandingBucket(nats);
  const revoked = new Map<string, Entry<true>>();
  const granted = new Map<string, Entry<Grant>>();
  const loaded = Promise.withResolvers<void>();

  const note = (entry: KvWatchEntry) => {
    const [kind, id = ""] = entry.key.split(".");
    // Expiry of a key sends no event, so each entry ages here.
    const expires = entry.created.getTime() + standingTtlMs;
    if (entry.operation !== "PUT") {
      if (kind === "user") granted.delete(id);
    } else if (kind === "session") revoked.set(id, { value: true, expires });
    else if (kind === "user") granted.set(id, { value: entry.json<Grant>(), expires });
  };

  let watch: { stop(): void } | undefined;
  const follow = async () => {
    const bucket = await openStandingBucket(nats);
    const { values: known } = await bucket.status();
    if (known === 0) loaded.resolve();
    const entries = await bucket.watch();
    watch = entries;
    for await (const entry of entries) {
      try {
        note(entry);
      } catch (error) {
        // One that cannot be read must not hide those that come after it.
        log.error({ err: error, key: entry.key }, "an entry of the revocations cannot be read");
      }
      if (entry.isUpdate || entry.delta === 0) loaded.resolve();
    }
  };

  const sweep = setInterval(() => {
    for (const map of [revoked, granted]) {
      for (const [id, { expires }] of map) if (expires < now()) map.delete(id);
    }
  }, 60_000);
  sweep.unref();
  let closed = false;
  void nats.connection.closed().then(() => {
    closed = true;
    clearInterval(sweep);
  });

  // The client's own watch goes on where it was, which is nowhere when the broker lost its memory.
  void (async () => {
    for await (const { type } of nats.connection.status()) if (type === "reconnect") watch?.stop();
  })();

  // What is known stays in force while the watch is away, and it comes back by itself.
  void (async () => {
    while (!closed) {
      await follow().catch((error: unknown) => {
        if (!closed) log.error({ err: error }, "the watch on revocations ended; it begins again");
      });
      await sleep(rewatchMs, undefined, { ref: false });
    }
  })();

  // All that was counted may have expired before it was delivered.
  await Promise.race([loaded.promise, sleep(loadTimeoutMs, undefined, { ref: false })]);
  const inForce = <T>(entry: Entry<T> | undefined) =>
    entry && entry.expires > now() ? entry.value : undefined;
  return {
    isRevoked: (sessionId) => inForce(revoked.get(sessionId)) !== undefined,
    current: (user) => {
      const grant = inForce(granted.get(user.id));
      return grant ? { ...user, roles: grant.roles, permissions: grant.permissions } : user;
    },
  };
}
