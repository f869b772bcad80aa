import { durationMs } from "@bufbuild/protobuf/wkt";
import type { Queue } from "#gen/queue/v1/queue_pb.js";
import { harmless } from "../harmless.ts";
import { paint, table } from "../terminal.ts";
import { lengthOf } from "../time.ts";

/** What the queue service stops counting at. */
const mostCounted = 100_000n;

export function formatQueues(queues: readonly Queue[]): string {
  const rows = queues.map((queue) => [
    queue.backlogged ? paint("yellow", `! ${harmless(queue.name)}`) : `  ${harmless(queue.name)}`,
    counted(queue.depth),
    counted(queue.scheduled),
    queue.concurrency > 0 ? `${number(queue.inFlight)} of ${queue.concurrency}` : number(queue.inFlight),
    number(queue.done),
    queue.failed > 0n ? paint("red", number(queue.failed)) : "0",
    queue.oldest ? lengthOf(durationMs(queue.oldest)) : "",
    queue.paused ? paint("yellow", "paused") : "",
  ]);
  const head = ["  queue", "depth", "scheduled", "in flight", "done", "failed", "oldest", "state"];
  const warnings = queues.filter(({ backlogged }) => backlogged).map(backlogOf);
  return [table(head, rows), ...(warnings.length > 0 ? [""] : []), ...warnings].join("\n");
}

/** What is wrong with a queue in which too much waits, and what to do. */
function backlogOf(queue: Queue): string {
  const { name, depth, paused } = queue;
  const what = `${harmless(name)} has a backlog: ${counted(depth)} jobs wait`;
  const remedy = paused
    ? `it is paused: weft queues resume ${harmless(name)}`
    : queue.concurrency > 0 && queue.inFlight >= BigInt(queue.concurrency)
      ? `its limit of ${queue.concurrency} at once is reached: weft queues limit ${harmless(name)} <n>`
      : "start more instances of the service that works on it, or see why its jobs are slow";
  return `  ${paint("yellow", "!")} ${what}; ${remedy}`;
}

const number = (count: bigint): string => count.toLocaleString("en");
const counted = (count: bigint): string => `${number(count)}${count >= mostCounted ? "+" : ""}`;
