import type { Query } from "#mesh";
import type { JobRow, WholeJobRow } from "./jobs-store.ts";
import { findJob, jobColumns } from "./jobs-store.ts";

export interface DeadFilter {
  /** Of the last worker; empty for all. */
  readonly service: string;
  readonly queue: string;
  readonly before: { readonly finishedAt: string; readonly id: string } | undefined;
  readonly limit: number;
}

/** Jobs that failed for good, the last first. */
export async function listDead(query: Query, filter: DeadFilter): Promise<JobRow[]> {
  const { service, queue, before, limit } = filter;
  return query<JobRow[]>`
    select ${jobColumns(query)} from jobs
    where state = 'dead'
      ${service ? query`and worker_service = ${service}` : query``}
      ${queue ? query`and queue = ${queue}` : query``}
      ${before ? query`and (finished_at, id) < (${before.finishedAt}::timestamptz, ${before.id}::uuid)` : query``}
    order by finished_at desc, id desc
    limit ${limit}`;
}

export async function findDead(query: Query, id: string): Promise<WholeJobRow | undefined> {
  const job = await findJob(query, id);
  return job?.state === "dead" ? job : undefined;
}

export async function dropDead(query: Query, id: string): Promise<boolean> {
  return (await query`delete from jobs where id = ${id} and state = 'dead'`).count > 0;
}
