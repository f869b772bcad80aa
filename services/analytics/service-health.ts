import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceHealthSchema } from "#gen/analytics/v1/metrics_pb.js";
import type { Query } from "#mesh";
import { errorMetric, performanceMetric } from "./facts/names.ts";

interface OperationRow {
  readonly service: string;
  readonly name: string;
  readonly count: bigint;
  readonly failed: bigint;
  readonly meanMs: number;
  readonly slowestMs: number;
}

/** What services recorded of themselves since then. */
export async function healthOfServices(
  query: Query,
  from: Date,
): Promise<MessageInitShape<typeof ServiceHealthSchema>[]> {
  const [operations, errors] = await Promise.all([
    query<OperationRow[]>`
      select subject_id as service, properties->>'operation' as name, count(*) as count,
        count(*) filter (where properties->>'failed' = 'true') as failed,
        avg(value)::float8 as mean_ms, max(value) as slowest_ms
      from facts where metric = ${performanceMetric} and occurred_at >= ${from}
      group by 1, 2 order by 1, 2`,
    query<{ service: string; code: string; count: bigint }[]>`
      select subject_id as service, properties->>'code' as code, count(*) as count
      from facts where metric = ${errorMetric} and occurred_at >= ${from}
      group by 1, 2 order by 1, 2`,
  ]);
  const names = new Set([...operations, ...errors].map(({ service }) => service));
  return [...names].sort().map((service) => ({
    service,
    operations: operations.filter((it) => it.service === service).map(({ service: _, ...it }) => it),
    errors: Object.fromEntries(
      errors.filter((it) => it.service === service).map(({ code, count }) => [code, count]),
    ),
  }));
}
