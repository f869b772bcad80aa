import { setTimeout as sleep } from "node:timers/promises";
import type { KV } from "@nats-io/kv";
import type { UserIdentity } from "../call/identity.ts";
import type { Logger } from "../log/logger.ts";
import { followBucket } from "../nats/follow-bucket.ts";
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
const standingBucket = "weft_standing";
export const standingTtlMs = 15 * 60_000;

const loadTimeoutMs = 3000;
const retryMs = 1000;

export interface Standing {
  isRevoked(sessionId: string): boolean;
  /** The user with today's roles, if they have changed since `rolesMs`, as of when the token gives them. Default: long ago. */
  current(user: UserIdentity, rolesMs?: number): UserIdentity;
}

export const openStandingBucket = (nats: Nats): Promise<KV> =>
  nats.bucket(standingBucket, { ttl: standingTtlMs, history: 1 });

export interface WatchedStanding extends Standing {
  /** Throws while what changes is not heard of. */
  check(): void;
}

/** A watch that begins anew takes a moment; longer than this is a trouble. */
const deafMs = 10_000;

export interface WatchOptions {
  readonly now?: () => number;
  /** How long the start waits for what is known already. Default: 3 s. */
  readonly waitMs?: number;
}

/** Loads the bucket and follows it. Resolves when all that was known at the start is in. */
export async function watchStanding(
  nats: Nats,
  log: Logger,
  keys: KeySource,
  { now = Date.now, waitMs = loadTimeoutMs }: WatchOptions = {},
): Promise<WatchedStanding> {
  // A broker that cannot keep the bucket at all is told of at the start.
  await openStandingBucket(nats);
  const book = createStandingBook({ keys, log, keepMs: standingTtlMs, now });
  let deafSinceMs: number | undefined = now();
  const loaded = Promise.withResolvers<void>();
  followBucket({
    nats,
    log,
    what: "revocations",
    open: () => openStandingBucket(nats),
    // The issuer takes nothing back by deleting it, so a deletion is not from the issuer.
    entry: (entry) => {
      if (entry.operation === "PUT") book.add(entry.key, entry.string());
    },
    current: () => {
      deafSinceMs = undefined;
      void book.settled().then(loaded.resolve);
    },
    // What is known stays in force while the watch is away.
    lost: () => {
      deafSinceMs ??= now();
    },
  });

  const sweep = setInterval(() => book.sweep(), 60_000).unref();
  const retry = setInterval(() => book.retry(), retryMs).unref();
  void nats.connection.closed().then(() => {
    clearInterval(sweep);
    clearInterval(retry);
  });

  // Nobody starts late because the broker, or the issuer whose keys are needed, is slow to answer.
  await Promise.race([loaded.promise, sleep(waitMs, undefined, { ref: false })]);
  return {
    isRevoked: book.isRevoked,
    current: book.current,
    check() {
      if (deafSinceMs === undefined || now() - deafSinceMs <= deafMs) return;
      const forS = Math.round((now() - deafSinceMs) / 1000);
      throw new Error(`ended sessions and changed roles have not been heard of for ${forS} s`);
    },
  };
}
