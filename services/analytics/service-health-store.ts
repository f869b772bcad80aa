import type { Query } from "#mesh";
import { errorMetric, performanceMetric } from "./facts/names.ts";

export interface OperationRow {
  readonly service: string;
  readonly name: string;
  readonly count: bigint;
  readonly failed: bigint;
  readonly meanMs: number;
  readonly slowestMs: number;
}

export interface ErrorRow {
  readonly service: string;
  readonly code: string;
  readonly count: bigint;
}

export const operationsSince = (query: Query, from: Date): Promise<OperationRow[]> =>
  query<OperationRow[]>`
    select subject_id as service, properties->>'operation' as name, count(*) as count,
      count(*) filter (where properties->>'failed' = 'true') as failed,
      avg(value)::float8 as mean_ms, max(value) as slowest_ms
    from facts where metric = ${performanceMetric} and occurred_at >= ${from}
    group by 1, 2 order by 1, 2`;

export const errorsSince = (query: Query, from: Date): Promise<ErrorRow[]> =>
  query<ErrorRow[]>`
    select subject_id as service, properties->>'code' as code, count(*) as count
    from facts where metric = ${errorMetric} and occurred_at >= ${from}
    group by 1, 2 order by 1, 2`;
