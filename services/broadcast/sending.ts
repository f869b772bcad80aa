import { setTimeout as sleep } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { fromJson } from "@bufbuild/protobuf";
import type { SendNotificationRequestSchema } from "#gen/notification/v1/notification_pb.js";
import { FromTemplateSchema, WordsSchema } from "#gen/notification/v1/notification_pb.js";
import type { Database, Logger, Loop } from "#mesh";
import { atMost, createPlaces, reasonOf, startLoop } from "#mesh";
import type { Answer } from "./answers.ts";
import { answerOf, answerOfError } from "./answers.ts";
import type { BroadcastMetrics } from "./broadcast-metrics.ts";
import type { BroadcastRow, Content } from "./broadcasts-store.ts";
import { channelsToSend } from "./channels.ts";
import type { Chunk } from "./claiming.ts";
import { createClaiming } from "./claiming.ts";
import { nextSending } from "./due-store.ts";
import type { Peers } from "./peers.ts";
import type { Recorder } from "./record.ts";
import type { Settle } from "./settling.ts";

export interface SendingOptions {
  db: Database;
  notifications: Peers["notifications"];
  record: Recorder;
  settle: Settle;
  metrics: BroadcastMetrics;
  mostPerCustomer: number;
  paceMs: number;
  log: Logger;
  now: () => number;
  stopping: AbortSignal;
}

const sendTimeoutMs = 10_000;
/** Who has not had a turn by then goes back: an instance that is slow must not keep what others could send. */
const chunkTimeMs = 30_000;
const leaseMs = chunkTimeMs + sendTimeoutMs + 20_000;
/** Chunks that one instance is at, and what it asks of the notification service, at once. */
const chunksAtOnce = 4;
const callsAtOnce = 16;

/** Sends what may go out next, a few at a time, as fast as each broadcast may over all instances. */
export function startSending(options: SendingOptions): Loop {
  const { db, notifications, settle, paceMs, log, now, stopping } = options;
  const inTurn = atMost(callsAtOnce);
  const failed = (err: unknown) =>
    log.warn({ err }, "recipients of broadcasts could not be sent to; tried again");
  const places = createPlaces(chunksAtOnce, failed);

  const claimChunk = createClaiming({ ...options, leaseMs });

  const send = async (
    request: (userId: string) => MessageInitShape<typeof SendNotificationRequestSchema>,
    userId: string,
    untilMs: number,
  ): Promise<Answer> => {
    if (stopping.aborted || performance.now() >= untilMs) return { kind: "left" };
    try {
      const means = { timeoutMs: sendTimeoutMs, signal: stopping };
      return answerOf(await notifications.sendNotification(request(userId), means));
    } catch (error) {
      if (stopping.aborted) return { kind: "left" };
      const answer = answerOfError(error);
      if (answer.kind === "broken")
        log.warn({ err: error, reason: reasonOf(error) }, "a notification of a broadcast failed");
      return answer;
    }
  };

  const sendChunk = async ({ row, claim, claimed, content }: Chunk) => {
    const untilMs = performance.now() + chunkTimeMs;
    const request = requestOf(row, content);
    const answers = await Promise.all(
      claimed.map(async ({ userId, broken }) => ({
        userId,
        broken,
        answer: await inTurn(() => send(request, userId, untilMs)),
      })),
    );
    await db.transaction((tx) => settle(tx, { broadcastId: row.id, claim, answers }));
  };

  const untilNextMs = async (): Promise<number> => {
    const next = await nextSending(db.sql);
    return next === undefined ? Number.POSITIVE_INFINITY : Math.max(1, next.getTime() - now());
  };

  const work = async () => {
    while (!stopping.aborted) {
      if (places.free() === 0) {
        await places.freed();
        continue;
      }
      const chunk = await claimChunk();
      if (chunk) {
        if (chunk.claimed.length > 0) places.take(() => sendChunk(chunk));
        continue;
      }
      const waitMs = await untilNextMs();
      if (waitMs > paceMs) return;
      await sleep(waitMs, undefined, { signal: stopping, ref: false }).catch(() => {});
    }
  };
  const { wake, ended } = startLoop({ everyMs: paceMs, stopping, work, failed });
  return { wake, ended: ended.then(places.empty) };
}

/** The same for a user each time: that is what its key stands for. */
function requestOf({ id, topic, link, voice, channels }: BroadcastRow, { template, words }: Content) {
  const content = template
    ? ({ case: "template", value: fromJson(FromTemplateSchema, template) } as const)
    : ({ case: "words", value: fromJson(WordsSchema, words ?? {}) } as const);
  const common = { topic, link, voice, channels: channelsToSend(channels), content };
  return (userId: string) => ({ ...common, userId, idempotencyKey: `${id}/${userId}` });
}
