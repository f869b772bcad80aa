import { BroadcastService } from "#gen/broadcast/v1/broadcast_pb.js";
import { BroadcastCompletedSchema, BroadcastStartedSchema } from "#gen/broadcast/v1/events_pb.js";
import { defineService } from "#mesh";
import { broadcastFields } from "./config.ts";
import { peerContracts } from "./peers.ts";
import { setUp, type World } from "./setup.ts";

/** The service, in the real world unless told otherwise. */
export const createBroadcastService = (world: Partial<World> = {}) =>
  defineService({
    name: "broadcast",
    contracts: [BroadcastService],
    calls: peerContracts,
    publishes: [BroadcastStartedSchema, BroadcastCompletedSchema],
    config: broadcastFields,
    database: { migrations: new URL("./migrations/", import.meta.url) },
    setup: setUp(world),
  });

export default createBroadcastService();
