import type { JsonObject } from "@bufbuild/protobuf";
import type { QueueService } from "#gen/queue/v1/queue_pb.js";
import type { Call, Database, Handlers } from "#mesh";
import {
  badPageToken,
  cleanText,
  decodePage,
  encodePage,
  fail,
  paged,
  pagePart,
  pageSize,
  permits,
} from "#mesh";
import type { DeadLetters as EventLetters } from "#mesh/dead-letters/dead-letters.ts";
import * as store from "./dead-letters-store.ts";
import type { JobRow } from "./jobs-store.ts";
import type { MessageTypes } from "./message-types.ts";
import { encodePayload, restoreHidden } from "./payload.ts";
import { eventLetter, jobIdOf, jobLetter, wholeLetter } from "./present.ts";
import { noDeadLetter } from "./refusals.ts";
import type { Retry } from "./retrial.ts";

export type DeadLetterHandlers = Pick<
  Handlers<typeof QueueService>,
  "listDeadLetters" | "getDeadLetter" | "replayDeadLetter" | "dropDeadLetter"
>;

export interface DeadLettersOptions {
  db: Database;
  types: MessageTypes;
  events: EventLetters;
  retry: Retry;
}

/** Jobs that failed for good, from the table, and behind them events, from the broker. */
export function deadLetters({ db, types, events, retry }: DeadLettersOptions): DeadLetterHandlers {
  /** The message that stands in its place, encoded. */
  const corrected = (typeName: string, payload: JsonObject, original: Uint8Array): Uint8Array => {
    const type = types.find(typeName);
    if (type) return encodePayload(type, restoreHidden(type, payload, original));
    throw fail.precondition("unknown_message_type", `no service has shown ${typeName || "this message"}`, {
      remedy: "replay it as it was, or start a service that has it in its contracts",
    });
  };

  return {
    async listDeadLetters({ pageSize: wanted, pageToken, ...request }) {
      const [service, consumer] = [cleanText(request.service), cleanText(request.consumer)];
      const size = pageSize(wanted);
      const place = placeOf(pageToken);
      const jobs =
        place.in === "events"
          ? undefined
          : paged(
              await store.listDead(db.sql, {
                service,
                queue: consumer,
                before: place.before,
                limit: size + 1,
              }),
              size,
              keyOfJob,
            );
      const letters = jobs?.rows.map(jobLetter) ?? [];
      if (jobs?.nextPageToken) return { deadLetters: letters, nextPageToken: jobs.nextPageToken };
      const room = size - letters.length;
      // A page that jobs fill to the last place leaves it to the next one whether there are events.
      if (room === 0) return { deadLetters: letters, nextPageToken: encodePage(["events", ""]) };
      const after = place.in === "events" ? place.after : undefined;
      const page = await events.list({
        limit: room,
        ...(service && { service }),
        ...(consumer && { consumer }),
        ...(after && { after }),
      });
      return {
        deadLetters: [...letters, ...page.letters.map(eventLetter)],
        nextPageToken: page.next === undefined ? "" : encodePage(["events", page.next]),
      };
    },

    async getDeadLetter({ id }, call) {
      const jobId = jobIdOf(id);
      if (jobId !== undefined) {
        const job = await store.findDead(db.sql, jobId);
        if (!job) throw noDeadLetter();
        return {
          deadLetter: wholeLetter(jobLetter(job), { ...job, data: job.payload }, types, mayEdit(call)),
        };
      }
      const letter = await events.get(id);
      if (!letter) throw noDeadLetter();
      return { deadLetter: wholeLetter(eventLetter(letter), letter, types, mayEdit(call)) };
    },

    async replayDeadLetter({ id, payload }) {
      const jobId = jobIdOf(id);
      if (jobId !== undefined) {
        const job = await store.findDead(db.sql, jobId);
        if (!job) throw noDeadLetter();
        await retry(jobId, payload && corrected(job.type, payload, job.payload));
        return {};
      }
      const letter = payload && (await events.get(id));
      if (payload && !letter) throw noDeadLetter();
      const data = payload && letter && corrected(letter.type, payload, letter.data);
      if (!(await events.replay(id, data))) throw noDeadLetter();
      return {};
    },

    async dropDeadLetter({ id }) {
      const jobId = jobIdOf(id);
      const dropped = jobId === undefined ? await events.drop(id) : await store.dropDead(db.sql, jobId);
      if (!dropped) throw noDeadLetter();
      return {};
    },
  };
}

/** What is hidden from readers stands in the message as it came: that is for those who could change it anyway. */
const mayEdit = ({ caller: { user, service } }: Call): boolean =>
  user ? permits(user.permissions, "queue:write") : service?.name === "operator";

type Place =
  | { readonly in: "jobs"; readonly before: store.DeadFilter["before"] }
  | { readonly in: "events"; readonly after: string };

const keyOfJob = ({ id, finishedAt }: JobRow) => ["jobs", finishedAt?.toISOString() ?? "", id];

/** The row or letter behind which the page begins. Tokens come from outside, so nothing in them is believed. */
function placeOf(token: string): Place {
  if (token === "") return { in: "jobs", before: undefined };
  if (isOfEvents(token)) {
    const [, after = ""] = decodePage(token, [/^events$/, /^\d{0,15}$/]) ?? [];
    return { in: "events", after };
  }
  const [, finishedAt = "", id = ""] = decodePage(token, [/^jobs$/, pagePart.time, pagePart.uuid]) ?? [];
  // JavaScript takes 30 February for 2 March, PostgreSQL for a mistake.
  const time = new Date(finishedAt);
  if (Number.isNaN(time.getTime()) || time.toISOString() !== finishedAt) throw badPageToken();
  return { in: "jobs", before: { finishedAt, id } };
}

const isOfEvents = (token: string): boolean => token.startsWith(encodePage(["events"]).slice(0, 8));
