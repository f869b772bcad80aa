import type { Query } from "#mesh";
import type { Fact } from "./facts/fact.ts";
import { activeLines, everybody, rollupLines } from "./rollup-lines.ts";

/** Facts as rows called `it`. */
export function factRows(query: Query, facts: readonly Fact[]) {
  const rows = facts.map(({ amount, occurredAt, ...fact }) => ({
    ...fact,
    occurredAt: occurredAt.toISOString(),
    amount: amount?.toString() ?? null,
  }));
  return query`json_to_recordset(${query.json(rows)}::json) as it (id uuid, "occurredAt" timestamptz, metric text,
    "userId" uuid, "ownerId" uuid, "subjectType" text, "subjectId" text, currency text, amount bigint,
    value double precision, tags text[], properties jsonb)`;
}

/**
 * Puts in those that are not there, and adds them, and them alone, to all sums.
 * Gives back their metrics. Its transaction holds the lock of figures.
 */
export async function addFacts(tx: Query, facts: readonly Fact[], now: Date): Promise<string[]> {
  const added = await tx<{ metric: string }[]>`
    with inserted as (
      insert into facts (id, occurred_at, metric, user_id, owner_id, subject_type, subject_id, currency, amount,
        value, tags, properties, received_at)
      select it.id, it."occurredAt", it.metric, case when gone.user_id is null then it."userId" end, it."ownerId",
        it."subjectType", it."subjectId", it.currency, it.amount, it.value, it.tags, it.properties, ${now}
      from ${factRows(tx, facts)}
      left join forgotten gone on gone.user_id = it."userId"
      order by it.id
      on conflict do nothing
      returning *),
    rolled as (
      insert into rollups as r (bucket, owner_id, subject_type, subject_id, metric, currency, count, sum)
      ${rollupLines(tx, tx`inserted`)}
      on conflict (owner_id, subject_type, subject_id, metric, currency, bucket)
        do update set count = r.count + excluded.count, sum = r.sum + excluded.sum),
    there as (${activeLines(tx, tx`inserted`)}),
    put as (
      insert into active as a (day, owner_id, user_id, buys)
      select day, owner_id, user_id, buys from there order by owner_id, day, user_id
      on conflict (owner_id, day, user_id) do update set buys = a.buys + excluded.buys),
    first as (
      insert into seen as s (owner_id, user_id, first_at)
      select owner_id, user_id, min(first_at) from there group by 1, 2 order by 2, 1
      on conflict (user_id, owner_id) do update set first_at = excluded.first_at
        where excluded.first_at < s.first_at)
    select metric from inserted`;
  return added.map(({ metric }) => metric);
}

/** Which of these there are, of this time and later. */
export async function knownIds(query: Query, ids: readonly string[], since: Date): Promise<Set<string>> {
  const rows = await query<{ id: string }[]>`
    select id from facts where id = any(${[...ids]}::uuid[]) and occurred_at >= ${since}`;
  return new Set(rows.map(({ id }) => id));
}

const between = (tx: Query, from: Date, until: Date) =>
  tx`(select * from facts where occurred_at >= ${from} and occurred_at < ${until})`;

/** Whether there is neither anything that happened nor a sum from one full hour to another. */
export async function isEmpty(query: Query, from: Date, until: Date): Promise<boolean> {
  const [row] = await query<{ any: boolean }[]>`
    select exists (select 1 from facts where occurred_at >= ${from} and occurred_at < ${until})
      or exists (select 1 from rollups where bucket >= ${from} and bucket < ${until})
      or exists (select 1 from active where day >= ${from} and day < ${until}) as any`;
  return row?.any === false;
}

/** Adds up anew all sums from one full hour to another. Its transaction holds the lock of figures. */
export async function addUpSums(tx: Query, from: Date, until: Date): Promise<void> {
  await tx`delete from rollups where bucket >= ${from} and bucket < ${until}`;
  await tx`
    insert into rollups (bucket, owner_id, subject_type, subject_id, metric, currency, count, sum)
    ${rollupLines(tx, between(tx, from, until))}`;
}

/** The same for who did something, from one midnight of UTC to another. */
export async function addUpPeople(tx: Query, from: Date, until: Date): Promise<void> {
  await tx`delete from active where day >= ${from} and day < ${until}`;
  await tx`
    with there as (${activeLines(tx, between(tx, from, until))}),
    put as (
      insert into active (day, owner_id, user_id, buys) select day, owner_id, user_id, buys from there)
    insert into seen as s (owner_id, user_id, first_at)
    select owner_id, user_id, min(first_at) from there group by 1, 2 order by 2, 1
    on conflict (user_id, owner_id) do update set first_at = excluded.first_at
      where excluded.first_at < s.first_at`;
}

export type Subject = readonly [type: string, id: string];

/** The days of UTC, since then, on which something happened to a subject or is said to have. */
export async function daysOf(query: Query, [type, id]: Subject, from: Date): Promise<Date[]> {
  const rows = await query<{ day: Date }[]>`
    select date_bin('1 day', occurred_at, '2000-01-01Z') as day from facts
    where subject_type = ${type} and subject_id = ${id} and occurred_at >= ${from}
    union
    select date_bin('1 day', bucket, '2000-01-01Z') from rollups
    where owner_id = ${everybody} and subject_type = ${type} and subject_id = ${id} and bucket >= ${from}
    order by day`;
  return rows.map(({ day }) => day);
}

/** Adds up anew the sums of one subject. Its transaction holds the lock of figures. */
export async function addUpSubject(tx: Query, [type, id]: Subject, from: Date, until: Date): Promise<void> {
  await tx`
    delete from rollups
    where subject_type = ${type} and subject_id = ${id} and bucket >= ${from} and bucket < ${until}`;
  const facts = tx`(
    select * from facts where subject_type = ${type} and subject_id = ${id}
      and occurred_at >= ${from} and occurred_at < ${until})`;
  await tx`
    insert into rollups (bucket, owner_id, subject_type, subject_id, metric, currency, count, sum)
    select * from (${rollupLines(tx, facts)}) line (bucket, owner_id, subject_type, subject_id)
    where subject_type = ${type} and subject_id = ${id}`;
}

/** What happened stays counted; who did it is known no more, nor will be. */
export async function forgetUser(tx: Query, userId: string, now: Date): Promise<void> {
  await tx`insert into forgotten (user_id, at) values (${userId}, ${now}) on conflict do nothing`;
  await tx`update facts set user_id = null where user_id = ${userId}`;
  await tx`delete from active where user_id = ${userId}`;
  await tx`delete from seen where user_id = ${userId}`;
  await tx`delete from tracked_keys where user_id = ${userId}`;
  await tx`delete from tracked_minutes where user_id = ${userId}`;
  await tx`delete from admins where user_id = ${userId}`;
  await tx`delete from thresholds where owner_id = ${userId}`;
  await tx`delete from reports where owner_id = ${userId}`;
}
