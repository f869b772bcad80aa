import type { MessageInitShape } from "@bufbuild/protobuf";
import { toJson } from "@bufbuild/protobuf";
import type { UpdateQueueRequestSchema } from "#gen/queue/v1/queue_pb.js";
import { ListQueuesResponseSchema, QueueSchema, QueueService } from "#gen/queue/v1/queue_pb.js";
import { fail } from "#mesh/errors.ts";
import type { Command, Invocation } from "../command.ts";
import { usageError } from "../command.ts";
import { formatQueues } from "../jobs/show-queues.ts";
import { asOperator } from "../operator.ts";
import { runPart } from "../parts.ts";
import { print, printJson } from "../terminal.ts";

export const queues: Command = {
  name: "queues",
  summary: "Queues of jobs: what waits and runs in each; pause, resume, limit",
  usage: `[--json]
       weft queues pause <queue> [--json]
       weft queues resume <queue> [--json]
       weft queues limit <queue> <n> [--json]

pause lets those that run end and begins no further ones. limit bounds how many
of its jobs run at once, over all workers; 0 is for no bound.

depth      due and waiting; with ! where more than 1000 do
scheduled  waiting for their time, next attempts included
done       and failed (for good): since the queue is there
oldest     how long the oldest that is due has waited`,
  run: (invocation) =>
    runPart(
      {
        command: queues,
        usual: "ls",
        parts: {
          ls: { run: list },
          pause: { words: ["queue"], run: (it) => update(it, { paused: true }) },
          resume: { words: ["queue"], run: (it) => update(it, { paused: false }) },
          limit: { words: ["queue", "n"], run: limit },
        },
      },
      invocation,
    ),
};

async function list({ flags, workspace }: Invocation): Promise<number> {
  const service = await asOperator(QueueService, workspace);
  const answer = await service.listQueues({});
  if (flags.json) printJson(toJson(ListQueuesResponseSchema, answer, { alwaysEmitImplicit: true }));
  else if (answer.queues.length > 0) print(formatQueues(answer.queues));
  else print("No queues: no service has shown a job yet.");
  return 0;
}

function limit(invocation: Invocation): Promise<number> {
  const [, count = ""] = invocation.words;
  if (!/^\d{1,6}$/.test(count)) throw usageError(`"${count}" is no number of jobs`, queues);
  return update(invocation, { concurrency: Number(count) });
}

type Changes = Pick<MessageInitShape<typeof UpdateQueueRequestSchema>, "paused" | "concurrency">;

async function update({ words, flags, workspace }: Invocation, changes: Changes): Promise<number> {
  const [name = ""] = words;
  const service = await asOperator(QueueService, workspace);
  const { queue } = await service.updateQueue({ name, ...changes });
  if (!queue) throw fail.internal("no_queue", "the queue service answered without a queue");
  if (flags.json) printJson(toJson(QueueSchema, queue, { alwaysEmitImplicit: true }));
  else print(formatQueues([queue]));
  return 0;
}
