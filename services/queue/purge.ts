import type { Query } from "#mesh";

export interface Keep {
  readonly doneMs: number;
  readonly deadMs: number;
}

/** Bounds what one statement locks and how long it takes. */
const batch = 2000;

/** Removes jobs that ended long ago, a batch at a time. Replicas that do so at once do not hurt each other. */
export async function purge(query: Query, keep: Keep, nowMs: number, stopping: AbortSignal): Promise<void> {
  const overSince = new Date(nowMs - keep.doneMs);
  const deadSince = new Date(nowMs - keep.deadMs);
  const over = () => query`
    delete from jobs where id in (
      select id from jobs where state in ('done', 'cancelled') and finished_at < ${overSince}
      order by finished_at limit ${batch} for update skip locked)`;
  const dead = () => query`
    delete from jobs where id in (
      select id from jobs where state = 'dead' and finished_at < ${deadSince}
      order by finished_at limit ${batch} for update skip locked)`;
  for (const statement of [over, dead]) {
    while ((await statement()).count === batch && !stopping.aborted);
  }
}
