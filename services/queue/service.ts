import { WorkService } from "#gen/mesh/v1/jobs_pb.js";
import { QueueService } from "#gen/queue/v1/queue_pb.js";
import { ScheduleService } from "#gen/queue/v1/schedules_pb.js";
import { defineService } from "#mesh";
import { queueFields } from "./config.ts";
import { setUp, type World } from "./setup.ts";

/** The service, in the real world unless told otherwise. */
export const createQueueService = (world: Partial<World> = {}) =>
  defineService({
    name: "queue",
    contracts: [QueueService, ScheduleService, WorkService],
    config: queueFields,
    database: { migrations: new URL("./migrations/", import.meta.url) },
    setup: setUp(world),
  });

export default createQueueService();
