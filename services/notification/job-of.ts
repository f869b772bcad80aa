import { DeliverEmailSchema, DeliverPushSchema, DeliverSmsSchema } from "#gen/notification/v1/jobs_pb.js";

/** The job that delivers on each way. */
export const jobOf = { email: DeliverEmailSchema, sms: DeliverSmsSchema, push: DeliverPushSchema } as const;

export type OutChannel = keyof typeof jobOf;
