import type { JetStreamManager } from "@nats-io/jetstream";
import { AckPolicy, DiscardPolicy, jetstreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import type { Nats } from "#mesh";
import { intakeConsumer, jobSubject, jobsStream } from "./subjects.ts";

const nanosPerMs = 1_000_000;

/** A job stays until it is in the database, so this is room for an outage; then outboxes hold what comes. */
const maxBytes = 1024 ** 3;
const duplicateWindowMs = 120_000;
export const ackWaitMs = 30_000;
const maxAckPending = 5000;

/** Makes the stream of jobs and the consumer that all replicas share, or brings them up to date. */
export async function openIntakeStream(nats: Nats, { replicas }: { replicas: number }): Promise<void> {
  const manager = await jetstreamManager(nats.connection);
  const stream = nats.nameOf(jobsStream);
  const settings = {
    subjects: [nats.subject(jobSubject("*"))],
    // Full means that publishers keep it, not that something is dropped.
    discard: DiscardPolicy.New,
    duplicate_window: duplicateWindowMs * nanosPerMs,
    max_bytes: maxBytes,
    num_replicas: replicas,
  };
  if (await exists(manager, stream)) await manager.streams.update(stream, settings);
  else {
    await manager.streams.add({
      name: stream,
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.File,
      ...settings,
    });
  }
  await manager.consumers.add(stream, {
    durable_name: nats.nameOf(intakeConsumer),
    ack_policy: AckPolicy.Explicit,
    ack_wait: ackWaitMs * nanosPerMs,
    max_deliver: -1,
    max_ack_pending: maxAckPending,
  });
}

async function exists(manager: JetStreamManager, name: string): Promise<boolean> {
  for await (const it of manager.streams.names()) if (it === name) return true;
  return false;
}
