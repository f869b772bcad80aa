import { JetStreamApiCodes, JetStreamApiError, jetstreamManager } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import { nanos } from "@nats-io/transport-node";
import type { Nats } from "#mesh";
import { fail } from "#mesh";
import { idempotencyPolicy } from "./idempotency-policy.ts";

/** Entries by name, shared by all gateways. Each change says what it expects to find. */
export interface KeyStore {
  /** Writes where nothing is. Gives the revision, or nothing when something is there. */
  create(name: string, value: Uint8Array): Promise<number | undefined>;
  read(name: string): Promise<{ readonly value: Uint8Array; readonly revision: number } | undefined>;
  /** Gives the new revision, or nothing when it was changed since. */
  replace(name: string, value: Uint8Array, revision: number): Promise<number | undefined>;
  /** Leaves it when it was changed since. */
  remove(name: string, revision: number): Promise<void>;
}

export interface KeyStoreOptions {
  readonly nats: Nats;
  /** How long entries are kept. */
  readonly ttlMs: number;
  readonly bucketBytes: number;
}

export function createKeyStore({ nats, ttlMs, bucketBytes }: KeyStoreOptions): KeyStore {
  let opened: Promise<KV> | undefined;

  const open = async (): Promise<KV> => {
    const bucket = await nats.bucket(idempotencyPolicy.bucket, {
      ttl: ttlMs,
      history: 1,
      max_bytes: bucketBytes,
      // With room for what stands beside the answer.
      maxValueSize: idempotencyPolicy.answerBytes + 4096,
    });
    const { ttl, streamInfo } = await bucket.status();
    if (ttl !== ttlMs) {
      // A bucket that is there keeps the time it was made with.
      const manager = await jetstreamManager(nats.connection);
      await manager.streams.update(streamInfo.config.name, { ...streamInfo.config, max_age: nanos(ttlMs) });
    }
    return bucket;
  };

  const attempt = async <T>(work: (bucket: KV) => Promise<T>): Promise<T> => {
    // What is sent to a broker that is away is delivered when it is back, and nobody waits for it then.
    if (!nats.connected()) throw fail.unavailable("nats_unreachable", "NATS is away");
    opened ??= open();
    const bucket = opened;
    try {
      return await work(await bucket);
    } catch (error) {
      // It may have come back without what it had stored, so the bucket is made again.
      if (!isConflict(error) && opened === bucket) opened = undefined;
      throw error;
    }
  };

  /** A broker that lost the bucket says so at once, having stored nothing. */
  const twice = async <T>(work: (bucket: KV) => Promise<T>): Promise<T> => {
    try {
      return await attempt(work);
    } catch (error) {
      if (!isNoBucket(error)) throw error;
      return attempt(work);
    }
  };

  const unlessChanged = async <T>(work: Promise<T>): Promise<T | undefined> => {
    try {
      return await work;
    } catch (error) {
      if (isConflict(error)) return undefined;
      throw error;
    }
  };

  return {
    create: (name, value) => unlessChanged(twice((bucket) => bucket.create(name, value))),
    read: (name) =>
      twice(async (bucket) => {
        const entry = await bucket.get(name);
        return entry?.operation === "PUT" ? { value: entry.value, revision: entry.revision } : undefined;
      }),
    replace: (name, value, revision) =>
      unlessChanged(twice((bucket) => bucket.update(name, value, revision))),
    async remove(name, revision) {
      await unlessChanged(twice((bucket) => bucket.delete(name, { previousSeq: revision })));
    },
  };
}

const isConflict = (error: unknown): boolean =>
  error instanceof JetStreamApiError &&
  (error.code === JetStreamApiCodes.StreamWrongLastSequence ||
    error.code === JetStreamApiCodes.StreamWrongLastSequenceUnknown);

/** Nobody listens where the bucket was, or it is known to be none. */
const isNoBucket = (error: unknown): boolean =>
  error instanceof Error &&
  ["NoRespondersError", "StreamNotFoundError", "JetStreamNotEnabled"].includes(error.name);
