import { TrendKind } from "#gen/analytics/v1/analytics_pb.js";
import { trackedPrefix } from "./facts/names.ts";
import { tagType } from "./rollup-lines.ts";
import type { TrendFilter } from "./rollups-store.ts";

type What = Pick<TrendFilter, "subjectType" | "metric" | "by">;

/** Patterns of `like`, in which `_` and `%` stand for others. */
const tracked = `${trackedPrefix}%`;

/** What is looked at for each kind. */
export const trendOf: Readonly<Record<TrendKind, What>> = {
  [TrendKind.UNSPECIFIED]: { subjectType: tagType, metric: "%", by: "subject" },
  [TrendKind.TAG]: { subjectType: tagType, metric: "%", by: "subject" },
  [TrendKind.PRODUCT]: { subjectType: "product", metric: "products\\_sold", by: "subject" },
  [TrendKind.POST]: { subjectType: "post", metric: tracked, by: "subject" },
  [TrendKind.EVENT]: { subjectType: "", metric: tracked, by: "metric" },
};

export const usualHours = 24;
export const usualLimit = 20;
