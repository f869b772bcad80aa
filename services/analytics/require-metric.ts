import { isMetric, platformMetrics } from "./facts/names.ts";
import { unknownMetric } from "./refusals.ts";

/** A name that was mistyped would look like a figure of nothing. */
export function requireMetric(name: string): void {
  if (!isMetric(name)) throw unknownMetric(name, platformMetrics);
}
