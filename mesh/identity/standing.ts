import { setTimeout as sleep } from "node:timers/promises";
import type { KV, KvWatchEntry } from "@nats-io/kv";
import type { UserIdentity } from "../call/identity.ts";
import type { Logger } from "../log/logger.ts";
import type { Nats } from "../nats/nats.ts";
import type { KeySource } from "./keys.ts";
import { createStandingBook } from "./standing-book.ts";

export type { Grant } from "./standing-entry.ts";
export { sessionKey, userKey } from "./standing-entry.ts";

/**
 * What has changed since a token was issued. The issuer writes it, signed, to a
 * bucket that every process watches, so it is in force everywhere within a
 * second and costs a call nothing but two map lookups. Entries live a little
 * longer than the longest access token, after which they say nothing new.
 */
export const standingBucket = "weft_standing";
export const standingTtlMs = 15 * 60_000;

const loadTimeoutMs = 3000;
const rewatchMs = 1000;
const retryMs = 1000;

export interface Standing {
  isRevoked(sessionId: string): boolean;
  /** The user with today's roles, whatever the token says. */
  current(user: UserIdentity): UserIdentity;
}

export const openStandingBucket = (nats: Nats): Promise<KV> =>
  nats.bucket(standingBucket, { ttl: standingTtlMs, history: 1 });

/** Loads the bucket and follows it. Resolves when all that was known at the start is in. */
export async function watchStanding(
  nats: Nats,
  log: Logger,
  keys: KeySource,
  now: () => number = Date.now,
): Promise<Standing> {
  // A broker that cannot keep the bucket at all is told of at the start.
  await openStandingBucket(nats);
  const book = createStandingBook({ keys, log, keepMs: standingTtlMs, now });
  const loaded = Promise.withResolvers<void>();
  let isLoaded = false;

  const note = (entry: KvWatchEntry) => {
    // The issuer takes nothing back by deleting it, so a deletion is not from the issuer.
    if (entry.operation === "PUT") book.add(entry.key, entry.string());
  };

  let watch: { stop(): void } | undefined;
  const follow = async () => {
    const bucket = await openStandingBucket(nats);
    const { values: known } = await bucket.status();
    if (known === 0) loaded.resolve();
    const entries = await bucket.watch();
    watch = entries;
    for await (const entry of entries) {
      note(entry);
      if (isLoaded || (!entry.isUpdate && entry.delta !== 0)) continue;
      isLoaded = true;
      void book.settled().then(loaded.resolve);
    }
  };

  const sweep = setInterval(() => book.sweep(), 60_000).unref();
  const retry = setInterval(() => book.retry(), retryMs).unref();
  let closed = false;
  void nats.connection.closed().then(() => {
    closed = true;
    clearInterval(sweep);
    clearInterval(retry);
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
  return book;
}
