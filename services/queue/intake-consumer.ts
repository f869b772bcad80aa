import { AckPolicy, jetstreamManager } from "@nats-io/jetstream";
import type { Nats } from "#mesh";
import { jobsStreamPlan } from "#mesh/jobs/stream.ts";
import { ensureStream } from "#mesh/nats/streams.ts";

/** Without what the platform puts before it. */
export const intakeConsumer = "queue";

const ackWaitMs = 30_000;
const nanosPerMs = 1_000_000;
const maxAckPending = 5000;

/** Makes the stream of jobs, if no service did yet, and the consumer that all replicas share. */
export async function openIntakeConsumer(nats: Nats): Promise<void> {
  const manager = await jetstreamManager(nats.connection);
  // Those who put jobs in raise the number of replicas to what they are told; it is never lowered.
  await ensureStream(nats, manager, jobsStreamPlan, { replicas: 1, maxAgeMs: 0, maxBytes: 0 });
  await manager.consumers.add(nats.nameOf(jobsStreamPlan.name), {
    durable_name: nats.nameOf(intakeConsumer),
    ack_policy: AckPolicy.Explicit,
    ack_wait: ackWaitMs * nanosPerMs,
    max_deliver: -1,
    max_ack_pending: maxAckPending,
  });
}
