import type { Query } from "#mesh";
import { only } from "#mesh";

export interface ScheduleRow {
  readonly id: string;
  readonly name: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly type: string;
  readonly queue: string;
  readonly maxAttempts: number;
  readonly timeoutMs: number;
  readonly backoffMs: number;
  readonly payload: Uint8Array;
  readonly priority: number;
  readonly paused: boolean;
  readonly nextRunAt: Date | null;
  readonly lastRunAt: Date | null;
  readonly createdAt: Date;
}

export const uniqueName = "schedules_name_unique";

export async function insertSchedule(query: Query, row: ScheduleRow): Promise<ScheduleRow> {
  return only(await query<ScheduleRow[]>`insert into schedules ${query({ ...row })} returning *`);
}

export async function saveSchedule(query: Query, { id, ...row }: ScheduleRow): Promise<ScheduleRow> {
  return only(
    await query<ScheduleRow[]>`update schedules set ${query({ ...row })} where id = ${id} returning *`,
  );
}

export async function findSchedule(query: Query, id: string): Promise<ScheduleRow | undefined> {
  const [row] = await query<ScheduleRow[]>`select * from schedules where id = ${id}`;
  return row;
}

export async function lockSchedule(query: Query, id: string): Promise<ScheduleRow | undefined> {
  const [row] = await query<ScheduleRow[]>`select * from schedules where id = ${id} for update`;
  return row;
}

export async function deleteSchedule(query: Query, id: string): Promise<boolean> {
  return (await query`delete from schedules where id = ${id}`).count > 0;
}

export async function listSchedules(
  query: Query,
  afterName: string | undefined,
  limit: number,
): Promise<ScheduleRow[]> {
  return query<ScheduleRow[]>`
    select * from schedules
    ${afterName === undefined ? query`` : query`where name > ${afterName}`}
    order by name limit ${limit}`;
}

/** Some whose time has come, locked; what another replica has locked, it fires. */
export async function lockDueSchedules(query: Query, now: Date, limit: number): Promise<ScheduleRow[]> {
  return query<ScheduleRow[]>`
    select * from schedules where not paused and next_run_at <= ${now}
    order by next_run_at limit ${limit} for update skip locked`;
}

export async function saveFired(
  query: Query,
  id: string,
  { lastRunAt, nextRunAt }: { lastRunAt: Date; nextRunAt: Date | null },
): Promise<void> {
  await query`update schedules set last_run_at = ${lastRunAt}, next_run_at = ${nextRunAt} where id = ${id}`;
}

export async function nextScheduled(query: Query): Promise<Date | undefined> {
  const [row] = await query<{ nextAt: Date | null }[]>`
    select min(next_run_at) as next_at from schedules where not paused and next_run_at is not null`;
  return row?.nextAt ?? undefined;
}
