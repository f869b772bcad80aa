import type { KV } from "@nats-io/kv";
import type { Logger, Nats } from "#mesh";
import { repeatAtBroker } from "#mesh/discovery/repeat.ts";
import { mostServices } from "./limits.ts";

/** What was served last of each service, for gateways that start while it is down. */
export const routesBucket = "weft_routes";

/** After so long without an instance a service is forgotten. */
const ttlMs = 7 * 24 * 3_600_000;
const keepEveryMs = 24 * 3_600_000;
const mostEntryBytes = 256;
/** Ours are never so many; others may have written there. */
const mostKeys = 1000;

const keyForm = /^[a-z][a-z0-9-]{0,62}$/;
const hashForm = /^[0-9a-f]{64}$/;
const sinceForm = /^[A-Za-z0-9_-]{1,64}$/;

export interface Recorded {
  readonly service: string;
  readonly hash: string;
  readonly since: string;
}

export interface RoutesRecordOptions {
  nats: Nats;
  log: Logger;
  /** What is there, once the broker has told. */
  restored: (entries: readonly Recorded[]) => void;
  /** What is served now, of services that have instances. */
  served: () => readonly Recorded[];
  random: () => number;
}

export interface RoutesRecord {
  /** What is served has changed. */
  write(): void;
  stop(): Promise<void>;
}

/** Reads the record once, then keeps it: after each change, once a day, and when the broker is back. */
export function keepRoutesRecord(options: RoutesRecordOptions): RoutesRecord {
  const { nats, log, restored, served, random } = options;
  let isRestored = false;
  const { now, stop } = repeatAtBroker({
    nats,
    log,
    what: "keep the record of routes",
    everyMs: keepEveryMs,
    spreadMs: 1000,
    random,
    work: async () => {
      const bucket = await nats.bucket(routesBucket, {
        ttl: ttlMs,
        history: 1,
        maxValueSize: mostEntryBytes + 512,
      });
      if (!isRestored) {
        restored(await readRecord(bucket));
        isRestored = true;
      }
      for (const it of served()) await writeEntry(bucket, it);
    },
  });
  return { write: now, stop };
}

async function readRecord(bucket: KV): Promise<readonly Recorded[]> {
  const keys: string[] = [];
  for await (const key of await bucket.keys()) {
    if (keyForm.test(key)) keys.push(key);
    if (keys.length === mostKeys) break;
  }
  const entries = await Promise.all(keys.sort().map((key) => readEntry(bucket, key)));
  return entries.flatMap(({ recorded }) => recorded ?? []).slice(0, mostServices);
}

async function writeEntry(bucket: KV, { service, hash, since }: Recorded): Promise<void> {
  const { recorded, createdMs } = await readEntry(bucket, service);
  const isFresh = Date.now() - createdMs < keepEveryMs / 2;
  if (isFresh && recorded?.hash === hash && recorded.since === since) return;
  await bucket.put(service, JSON.stringify({ hash, since }));
}

async function readEntry(bucket: KV, service: string) {
  const entry = await bucket.get(service);
  const recorded = entry?.operation === "PUT" ? decodeEntry(service, entry.value) : undefined;
  return { recorded, createdMs: entry?.created.getTime() ?? 0 };
}

/** Nothing for an entry that is none: it is as if it were not there. */
function decodeEntry(service: string, bytes: Uint8Array): Recorded | undefined {
  if (bytes.length > mostEntryBytes) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { hash, since } = value as Record<string, unknown>;
  if (typeof hash !== "string" || !hashForm.test(hash)) return undefined;
  if (typeof since !== "string" || !sinceForm.test(since)) return undefined;
  return { service, hash, since };
}
