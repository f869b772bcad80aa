import { NotificationFailedSchema, NotificationSentSchema } from "#gen/notification/v1/events_pb.js";
import { NotificationService } from "#gen/notification/v1/notification_pb.js";
import { PreferenceService } from "#gen/notification/v1/preferences_pb.js";
import { TemplateService } from "#gen/notification/v1/templates_pb.js";
import { defineService } from "#mesh";
import { notificationFields } from "./config.ts";
import { peerContracts, setUp, type World } from "./setup.ts";

/** The service, in the real world unless told otherwise. */
export const createNotificationService = (world: Partial<World> = {}) =>
  defineService({
    name: "notification",
    contracts: [NotificationService, TemplateService, PreferenceService],
    calls: peerContracts,
    publishes: [NotificationSentSchema, NotificationFailedSchema],
    config: notificationFields,
    database: { migrations: new URL("./migrations/", import.meta.url) },
    setup: setUp(world),
  });

export default createNotificationService();
