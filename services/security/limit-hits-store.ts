import type { Query } from "#mesh";
import { limitWindowMs } from "./threat-rules.ts";

const minuteMs = 60_000;

/** Counts hits of an identity; answers how many there were within the window, with these. */
export async function countLimitHits(
  tx: Query,
  identity: string,
  hits: number,
  nowMs: number,
): Promise<number> {
  const minute = new Date(Math.floor(nowMs / minuteMs) * minuteMs);
  await tx`
    insert into limit_hits (identity, minute, hits) values (${identity}, ${minute}, ${hits})
    on conflict (identity, minute) do update set hits = limit_hits.hits + excluded.hits`;
  const [row] = await tx<{ hits: string }[]>`
    select sum(hits)::text as hits from limit_hits
    where identity = ${identity} and minute > ${new Date(nowMs - limitWindowMs)}`;
  return Number(row?.hits ?? 0);
}
