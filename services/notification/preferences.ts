import type { PreferenceService, QuietHours } from "#gen/notification/v1/preferences_pb.js";
import type { Call, Database, Handlers, Query } from "#mesh";
import { cleanText, isTimeZone, requireUser } from "#mesh";
import { channelsOf } from "./channels.ts";
import { lockInbox } from "./inboxes-store.ts";
import { usualChannels } from "./plan.ts";
import type { TopicRow } from "./preferences-store.ts";
import {
  dropQuietHours,
  dropTopic,
  findQuietHours,
  findTopic,
  listTopics,
  saveQuietHours,
  saveTopic,
} from "./preferences-store.ts";
import { digestOf, toTopic } from "./present.ts";
import { badLink, badTimeZone, noQuietTime, noRecipient, tooManyTopics } from "./refusals.ts";
import type { UnsubscribeLinks, Unwanted } from "./unsubscribe-links.ts";
import { askPage, endedPage } from "./unsubscribe-page.ts";

const mostTopics = 200;

export interface PreferencesOptions {
  db: Database;
  links: UnsubscribeLinks;
}

export function preferences({ db, links }: PreferencesOptions): Handlers<typeof PreferenceService> {
  const linked = (token: string): Unwanted => {
    const unwanted = links.read(token);
    if (!unwanted) throw badLink();
    return unwanted;
  };

  /** One change after the other, and none of an account that is gone. */
  const change = (call: Call, work: (tx: Query, userId: string) => Promise<void>) =>
    db.transaction(async (tx) => {
      const { id } = requireUser(call);
      if (!(await lockInbox(tx, id))) throw noRecipient();
      await work(tx, id);
    });

  return {
    async getPreferences(_request, call) {
      const { id } = requireUser(call);
      const [topics, quietHours] = await Promise.all([listTopics(db.sql, id), findQuietHours(db.sql, id)]);
      return { topics: topics.map(toTopic), ...(quietHours && { quietHours }) };
    },

    async setTopic({ topic: wanted }, call) {
      const { topic = "", channels = [], digest = 0 } = wanted ?? {};
      const row: TopicRow = { topic, channels: channelsOf(channels), digest: digestOf(digest) };
      await change(call, async (tx, userId) => {
        const others = (await listTopics(tx, userId)).filter((it) => it.topic !== topic);
        if (others.length >= mostTopics) throw tooManyTopics(mostTopics);
        await saveTopic(tx, userId, row);
      });
      return { topic: toTopic(row) };
    },

    async resetTopic({ topic }, call) {
      await dropTopic(db.sql, requireUser(call).id, cleanText(topic));
      return {};
    },

    async setQuietHours({ quietHours }, call) {
      const row = checked(quietHours);
      await change(call, (tx, userId) => saveQuietHours(tx, userId, row));
      return { quietHours: row };
    },

    async clearQuietHours(_request, call) {
      await dropQuietHours(db.sql, requireUser(call).id);
      return {};
    },

    async askUnsubscribe({ token }) {
      return { page: askPage(linked(token).topic) };
    },

    async endEmails({ token }) {
      const { userId, topic } = linked(token);
      await db.transaction(async (tx) => {
        // Of an account that is gone there is nothing to end.
        if (!(await lockInbox(tx, userId))) return;
        const { channels = usualChannels, digest = "off" } = (await findTopic(tx, userId, topic)) ?? {};
        await saveTopic(tx, userId, { topic, channels: channels.filter((it) => it !== "email"), digest });
      });
      return { page: endedPage(topic) };
    },
  };
}

function checked({ start = "", end = "", timeZone = "" }: Partial<QuietHours> = {}) {
  if (!isTimeZone(timeZone)) throw badTimeZone(timeZone);
  if (start === end) throw noQuietTime();
  return { start, end, timeZone };
}
