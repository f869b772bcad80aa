import type { JetStreamManager, StreamConfig, StreamInfo } from "@nats-io/jetstream";
import { DiscardPolicy, JetStreamApiError, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import { fail } from "../errors.ts";
import type { Nats } from "./nats.ts";

/** How the streams of this platform are kept. */
export interface StreamSettings {
  readonly replicas: number;
  readonly maxAgeMs: number;
  readonly maxBytes: number;
}

/** A stream as contracts ask for it; its names are without what the platform puts before them. */
export interface StreamPlan {
  readonly name: string;
  readonly subjects: readonly string[];
  /** Many write to it, so nobody can know where it ends; what is in it has no order. Default: false. */
  readonly shared?: boolean;
  /** Default: as the settings say. */
  readonly settings?: Partial<StreamConfig>;
}

const dedupeWindowMs = 2 * 60_000;
const nanos = 1_000_000;
/** What we publish has less, with its headers: anything larger is not ours. */
const mostMessageBytes = 768 * 1024;

/** JetStream's own codes. */
export const streamNotFound = 10059;
export const consumerNotFound = 10014;
const nameInUse = 10058;
const subjectsOverlap = 10065;

/**
 * Makes a stream, or brings one up to date with what a contract says. Subjects
 * are only added: an older version of a service, which runs beside a newer one
 * while that is rolled out, must not take away what it does not know of.
 */
export async function ensureStream(
  nats: Nats,
  jsm: JetStreamManager,
  wanted: StreamPlan,
  settings: StreamSettings,
): Promise<StreamInfo> {
  const subjects = wanted.subjects.map((it) => nats.subject(it));
  const plan = { ...wanted, name: nats.nameOf(wanted.name), subjects };
  try {
    const info = await infoOf(jsm, plan.name);
    return info ? await update(jsm, info, plan, settings) : await add(jsm, plan, settings);
  } catch (error) {
    if (errorCode(error) !== subjectsOverlap) throw error;
    throw fail.precondition(
      "stream_overlap",
      `another stream of this broker has subjects of ${plan.name} (${plan.subjects.join(", ")})`,
      {
        remedy:
          "an event subject belongs to one service; where platforms share a broker, give each a WEFT_NAMESPACE",
        cause: error,
      },
    );
  }
}

/** The stream as it is; nothing when there is none. */
export async function infoOf(jsm: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  try {
    return await jsm.streams.info(name);
  } catch (error) {
    if (errorCode(error) === streamNotFound) return undefined;
    throw error;
  }
}

async function add(jsm: JetStreamManager, plan: StreamPlan, settings: StreamSettings): Promise<StreamInfo> {
  const { replicas, maxAgeMs, maxBytes } = settings;
  try {
    return await jsm.streams.add({
      name: plan.name,
      subjects: [...plan.subjects],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      // A full stream refuses what is new, which waits in its outbox, rather than forget what nobody has seen.
      discard: DiscardPolicy.New,
      duplicate_window: dedupeWindowMs * nanos,
      num_replicas: replicas,
      max_age: maxAgeMs * nanos,
      max_bytes: maxBytes,
      allow_direct: true,
      max_msg_size: mostMessageBytes,
      ...plan.settings,
    });
  } catch (error) {
    if (errorCode(error) !== nameInUse) throw error;
    // Another instance was faster, perhaps of another version.
    const info = await jsm.streams.info(plan.name);
    return update(jsm, info, plan, settings);
  }
}

async function update(
  jsm: JetStreamManager,
  { config, ...info }: StreamInfo,
  plan: StreamPlan,
  settings: StreamSettings,
): Promise<StreamInfo> {
  const subjects = [...new Set([...config.subjects, ...plan.subjects])];
  const wanted: Partial<StreamConfig> = {
    subjects,
    num_replicas: Math.max(config.num_replicas, settings.replicas),
    max_age: settings.maxAgeMs * nanos,
    // Whoever gave it more room by hand had a reason.
    max_bytes: config.max_bytes < 0 ? config.max_bytes : Math.max(config.max_bytes, settings.maxBytes),
    max_msg_size: mostMessageBytes,
    ...plan.settings,
  };
  const isCurrent =
    subjects.length === config.subjects.length &&
    wanted.num_replicas === config.num_replicas &&
    wanted.max_age === config.max_age &&
    wanted.max_msg_size === config.max_msg_size &&
    wanted.max_bytes === config.max_bytes;
  return isCurrent ? { config, ...info } : jsm.streams.update(plan.name, { ...config, ...wanted });
}

export const errorCode = (error: unknown): number | undefined =>
  error instanceof JetStreamApiError ? error.code : undefined;
