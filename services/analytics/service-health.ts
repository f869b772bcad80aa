import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceHealthSchema } from "#gen/analytics/v1/metrics_pb.js";
import type { Query } from "#mesh";
import { errorsSince, operationsSince } from "./service-health-store.ts";

/** What services recorded of themselves since then. */
export async function healthOfServices(
  query: Query,
  from: Date,
): Promise<MessageInitShape<typeof ServiceHealthSchema>[]> {
  const [operations, errors] = await Promise.all([operationsSince(query, from), errorsSince(query, from)]);
  const names = new Set([...operations, ...errors].map(({ service }) => service));
  return [...names].sort().map((service) => ({
    service,
    operations: operations.filter((it) => it.service === service).map(({ service: _, ...it }) => it),
    errors: Object.fromEntries(
      errors.filter((it) => it.service === service).map(({ code, count }) => [code, count]),
    ),
  }));
}
