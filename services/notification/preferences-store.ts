import type { Query } from "#mesh";
import type { ChannelName } from "./channels.ts";
import type { Digest } from "./digest-time.ts";
import type { QuietHours } from "./quiet-hours.ts";

export interface TopicRow {
  readonly topic: string;
  readonly channels: ChannelName[];
  readonly digest: Digest;
}

/** Holds for all topics that nothing else is said of. */
export const defaultTopic = "default";

export const listTopics = (query: Query, userId: string): Promise<TopicRow[]> =>
  query<TopicRow[]>`
    select topic, channels, digest from topic_preferences where user_id = ${userId} order by topic collate "C"`;

/** What a user has said of a topic, or else of all. */
export async function findTopic(query: Query, userId: string, topic: string): Promise<TopicRow | undefined> {
  const [row] = await query<TopicRow[]>`
    select topic, channels, digest from topic_preferences
    where user_id = ${userId} and topic in (${topic}, ${defaultTopic})
    order by (topic = ${topic}) desc
    limit 1`;
  return row;
}

export async function saveTopic(query: Query, userId: string, it: TopicRow): Promise<void> {
  await query`
    insert into topic_preferences (user_id, topic, channels, digest)
    values (${userId}, ${it.topic}, ${it.channels}::text[], ${it.digest})
    on conflict (user_id, topic) do update set channels = excluded.channels, digest = excluded.digest`;
}

export async function dropTopic(query: Query, userId: string, topic: string): Promise<void> {
  await query`delete from topic_preferences where user_id = ${userId} and topic = ${topic}`;
}

export async function findQuietHours(query: Query, userId: string): Promise<QuietHours | undefined> {
  const [row] = await query<QuietHours[]>`
    select start_at as start, end_at as "end", time_zone from quiet_hours where user_id = ${userId}`;
  return row;
}

export async function saveQuietHours(query: Query, userId: string, it: QuietHours): Promise<void> {
  await query`
    insert into quiet_hours (user_id, start_at, end_at, time_zone)
    values (${userId}, ${it.start}, ${it.end}, ${it.timeZone})
    on conflict (user_id) do update
      set start_at = excluded.start_at, end_at = excluded.end_at, time_zone = excluded.time_zone`;
}

export async function dropQuietHours(query: Query, userId: string): Promise<void> {
  await query`delete from quiet_hours where user_id = ${userId}`;
}
