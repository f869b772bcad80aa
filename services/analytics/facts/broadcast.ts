import { BroadcastCompletedSchema, BroadcastStartedSchema } from "#gen/broadcast/v1/events_pb.js";
import { mapping } from "./fact.ts";

export const broadcastFacts = [
  mapping(BroadcastStartedSchema, ({ broadcastId, ownerId, recipients, startedAt }) => [
    {
      metric: "broadcasts_started",
      at: startedAt,
      ownerId,
      value: Number(recipients),
      properties: { broadcast_id: broadcastId },
    },
  ]),
  mapping(BroadcastCompletedSchema, ({ broadcastId, ownerId, sent, failed, cancelled, finishedAt }) => [
    {
      metric: cancelled ? "broadcasts_cancelled" : "broadcasts_completed",
      at: finishedAt,
      ownerId,
      value: Number(sent),
      properties: { broadcast_id: broadcastId, failed: `${failed}` },
    },
  ]),
];
