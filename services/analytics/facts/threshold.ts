import { ThresholdReachedSchema } from "#gen/analytics/v1/events_pb.js";
import { mapping } from "./fact.ts";

export const thresholdFacts = [
  mapping(ThresholdReachedSchema, ({ ownerId, reachedAt }) => [
    { metric: "thresholds_reached", at: reachedAt, ownerId },
  ]),
];
