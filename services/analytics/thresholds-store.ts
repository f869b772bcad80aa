import type { Query } from "#mesh";
import { only } from "#mesh";
import { everybody } from "./rollup-lines.ts";

export interface ThresholdRow {
  readonly id: string;
  readonly ownerId: string;
  /** Whose figures are looked at. */
  readonly figuresOf: string;
  readonly name: string;
  readonly metric: string;
  readonly subjectType: string;
  readonly subjectId: string;
  readonly currency: string;
  readonly direction: "rises" | "falls";
  readonly value: number;
  readonly windowMs: bigint;
  readonly reached: boolean;
  readonly reachedAt: Date | null;
  readonly createdAt: Date;
}

type NewThreshold = Omit<ThresholdRow, "reached" | "reachedAt" | "windowMs"> & {
  readonly windowMs: number;
};

export const countThresholds = async (query: Query, ownerId: string): Promise<number> =>
  only(
    await query<{ count: number }[]>`
      select count(*)::int as count from thresholds where owner_id = ${ownerId}`,
  ).count;

export async function insertThreshold(query: Query, it: NewThreshold): Promise<ThresholdRow> {
  return only(
    await query<ThresholdRow[]>`
      insert into thresholds (id, owner_id, figures_of, name, metric, subject_type, subject_id, currency,
        direction, value, window_ms, created_at)
      values (${it.id}, ${it.ownerId}, ${it.figuresOf}, ${it.name}, ${it.metric}, ${it.subjectType},
        ${it.subjectId}, ${it.currency}, ${it.direction}, ${it.value}, ${it.windowMs}, ${it.createdAt})
      returning *`,
  );
}

export async function findThreshold(query: Query, id: string): Promise<ThresholdRow | undefined> {
  const [row] = await query<ThresholdRow[]>`select * from thresholds where id = ${id}`;
  return row;
}

/** Newest first, as ids sort by time. */
export const listThresholds = (
  query: Query,
  it: { ownerId: string | undefined; ofEverybody: boolean; beforeId: string | undefined; limit: number },
): Promise<ThresholdRow[]> =>
  query<ThresholdRow[]>`
    select * from thresholds
    where true
      ${it.ownerId === undefined ? query`` : query`and owner_id = ${it.ownerId}`}
      ${it.ofEverybody ? query`` : query`and figures_of <> ${everybody}`}
      ${it.beforeId === undefined ? query`` : query`and id < ${it.beforeId}`}
    order by id desc
    limit ${it.limit}`;

export async function deleteThreshold(query: Query, id: string): Promise<void> {
  await query`delete from thresholds where id = ${id}`;
}

export interface Measured extends ThresholdRow {
  /** What the figure is now. */
  readonly measured: number;
}

/**
 * Takes those that were not looked at since, with their figures; nobody else takes them meanwhile. Those over
 * everybody's rest while nobody said, since then, that their maker may see these.
 */
export async function takeDue(
  query: Query,
  it: { checkedBefore: Date; rightsSince: Date; now: Date; until: Date; limit: number },
): Promise<Measured[]> {
  const due = await query<{ id: string }[]>`
    select id from thresholds
    where (checked_at is null or checked_at <= ${it.checkedBefore})
      and (figures_of <> ${everybody} or exists (
        select 1 from admins a where a.user_id = owner_id and a.allowed and a.asked_at > ${it.rightsSince}))
    order by checked_at nulls first limit ${it.limit}
    for update of thresholds skip locked`;
  if (due.length === 0) return [];
  return query<Measured[]>`
    with due as (
      update thresholds set checked_at = ${it.now}
      where id = any(${due.map(({ id }) => id)}::uuid[]) returning *)
    select due.*, (case when due.currency = '' then figure.count else figure.sum end)::float8 as measured
    from due cross join lateral (
      select coalesce(sum(r.count), 0) as count, coalesce(sum(r.sum), 0) as sum from rollups r
      where r.owner_id = due.figures_of and r.metric = due.metric
        and r.subject_type = due.subject_type and r.subject_id = due.subject_id
        and (due.currency = '' or r.currency = due.currency)
        and r.bucket >= ${it.until}::timestamptz - due.window_ms * interval '1 millisecond'
        and r.bucket < ${it.until}) figure
    order by due.id`;
}

export async function setReached(query: Query, id: string, at: Date | null): Promise<void> {
  await query`
    update thresholds set reached = ${at !== null}, reached_at = coalesce(${at}, reached_at) where id = ${id}`;
}
