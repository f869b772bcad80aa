import { jetstreamManager } from "@nats-io/jetstream";
import { JobStatus, QueueService } from "#gen/queue/v1/queue_pb.js";
import { backlogAlert } from "#mesh/events/backlog.ts";
import type { Nats } from "#mesh/nats/nats.ts";
import { infoOf } from "#mesh/nats/streams.ts";
import { asOperator } from "../operator.ts";
import type { Workspace } from "../workspace.ts";

/** What failed for good, and who cannot keep up. */
export interface Waiting {
  readonly deadLetters: number;
  readonly backlogs: readonly Backlog[];
}

export interface Backlog {
  /** A consumer of events, as `<service>-<consumer>`, or a queue. */
  readonly name: string;
  readonly waiting: number;
}

/** Of events, as the broker has it; looking makes nothing there. */
export async function waitingEvents(nats: Nats): Promise<Waiting> {
  const jsm = await jetstreamManager(nats.connection, { checkAPI: false });
  const dead = await infoOf(jsm, nats.nameOf("dead"));
  const backlogs: Backlog[] = [];
  for await (const { config } of jsm.streams.list()) {
    if (!config.name.startsWith(nats.nameOf("events_"))) continue;
    for await (const consumer of jsm.consumers.list(config.name)) {
      const { durable_name: durable = "" } = consumer.config;
      if (!durable || consumer.num_pending <= backlogAlert) continue;
      backlogs.push({ name: durable.slice(nats.nameOf("").length), waiting: consumer.num_pending });
    }
  }
  return { deadLetters: dead?.state.messages ?? 0, backlogs };
}

/** More dead jobs than this are not counted. */
export const mostJobs = 500;

export async function waitingJobs(workspace: Workspace): Promise<Waiting> {
  const queue = await asOperator(QueueService, workspace);
  const [{ jobs }, { queues }] = await Promise.all([
    queue.listJobs({ status: JobStatus.DEAD, pageSize: mostJobs }),
    queue.listQueues({}),
  ]);
  const behind = queues.filter(({ backlogged }) => backlogged);
  return {
    deadLetters: jobs.length,
    backlogs: behind.map(({ name, depth }) => ({ name, waiting: Number(depth) })),
  };
}
