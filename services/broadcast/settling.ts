import type { Query } from "#mesh";
import { afterCommit, pauseMs } from "#mesh";
import { afterFailure } from "./after-failure.ts";
import type { Answer } from "./answers.ts";
import type { BroadcastMetrics } from "./broadcast-metrics.ts";
import type { BroadcastRow } from "./broadcasts-store.ts";
import { lockBroadcast } from "./broadcasts-store.ts";
import type { News } from "./news-store.ts";
import { takeNews } from "./news-store.ts";
import { givePlacesBack } from "./reached-store.ts";
import type { Written } from "./recipients-store.ts";
import { lockClaimed, writeAnswers } from "./recipients-store.ts";
import type { More, Recorder } from "./record.ts";
import { counted } from "./record.ts";

export interface Answered {
  readonly userId: string;
  /** How often it has broken for this user before. */
  readonly broken: number;
  readonly answer: Answer;
}

export interface Settlement {
  readonly broadcastId: string;
  readonly claim: string;
  readonly answers: readonly Answered[];
}

export interface SettlingOptions {
  record: Recorder;
  metrics: BroadcastMetrics;
  now: () => number;
  random: () => number;
}

/** What breaks so often for one user breaks for that user. */
const mostBroken = 5;

/** Writes what became of a chunk, with what was told of it in the meantime. */
export function createSettling({ record, metrics, now, random }: SettlingOptions) {
  return async (tx: Query, { broadcastId, claim, answers }: Settlement): Promise<void> => {
    const row = await lockBroadcast(tx, broadcastId);
    if (!row) return;
    // Whose lease was over are another's by now, who gets the same answers.
    const own = await lockClaimed(tx, broadcastId, claim);
    const mine = answers.filter(({ userId }) => own.has(userId));
    const at = new Date(now());
    // Once its owner has seen that they are refused, and has it go on, that is their end.
    const accepted = row.status === "sending" && row.refusedOnce;
    const written = mine.map((it) => outcomeOf(it, accepted));
    const ids = written.flatMap(({ notificationId }) => notificationId ?? []);
    const news = await takeNews(tx, ids);
    const final = written.map((it) =>
      withNews(it, it.notificationId ? news.get(it.notificationId) : undefined),
    );
    await writeAnswers(tx, broadcastId, final, at);
    const unreached = mine.flatMap(({ userId, answer }) => (isUnreached(answer) ? [userId] : []));
    await givePlacesBack(tx, { broadcastId, ownerId: row.ownerId, userIds: unreached });

    const count = (status: Written["status"]) => final.filter((it) => it.status === status).length;
    const [back, sent, failed, skipped] = [
      count("waiting"),
      count("sent"),
      count("failed"),
      count("skipped"),
    ];
    const counts = { back, sent, failed, skipped };
    const more = pauseAfter(row, mine, at);
    const after = counted(await record(tx, row, { kind: "answered", ...counts }, more));
    const refused = mine.flatMap(({ answer }) => (answer.kind === "refused" ? [answer.reason] : []))[0];
    if (refused !== undefined && after.status === "sending" && !accepted) {
      await record(tx, after, { kind: "pause", reason: refused }, { refusedOnce: true });
    }
    afterCommit(tx, () => {
      metrics.recipients("sent", sent);
      metrics.recipients("failed", failed);
      metrics.recipients("skipped", skipped);
      metrics.recipients("retried", back);
    });
  };

  /** The whole broadcast waits when some are to be tried again: whom they are for has too much to do. */
  function pauseAfter(row: BroadcastRow, answers: readonly Answered[], at: Date): More {
    if (row.status !== "sending") return {};
    const failed = answers.some(({ answer }) => answer.kind === "again" || answer.kind === "broken");
    if (!failed) return { tries: 0, failingSince: null };
    const pauseUntilMs = at.getTime() + pauseMs(row.tries + 1, random, afterFailure);
    return {
      tries: row.tries + 1,
      failingSince: row.failingSince ?? at,
      nextAt: new Date(Math.max(row.nextAt?.getTime() ?? 0, pauseUntilMs)),
    };
  }
}

export type Settle = ReturnType<typeof createSettling>;

/** Nothing went out for sure: what broke, or took too long, may have. */
const isUnreached = ({ kind }: Answer): boolean => kind === "skipped" || kind === "refused";

function outcomeOf({ userId, broken: before, answer }: Answered, accepted: boolean): Written {
  const broken = before + (answer.kind === "broken" ? 1 : 0);
  const common = { userId, broken, notificationId: null, arrived: false, reason: "" };
  switch (answer.kind) {
    case "sent": {
      const { notificationId, arrived } = answer;
      return { ...common, status: "sent", notificationId, arrived };
    }
    case "failed":
    case "skipped": {
      const { kind: status, notificationId, reason } = answer;
      return { ...common, status, notificationId, reason };
    }
    case "refused":
      return accepted
        ? { ...common, status: "failed", reason: answer.reason }
        : { ...common, status: "waiting" };
    case "broken":
      return broken >= mostBroken
        ? { ...common, status: "failed", reason: answer.reason }
        : { ...common, status: "waiting" };
    case "again":
    case "left":
      return { ...common, status: "waiting" };
  }
}

function withNews(written: Written, news: News | undefined): Written {
  if (!news || written.status === "skipped") return written;
  if (news.arrived) return { ...written, status: "sent", arrived: true, reason: "" };
  return written.arrived || written.status === "failed"
    ? written
    : { ...written, status: "failed", reason: news.reason };
}
