import {
  PaymentFailedSchema,
  PaymentProcessedSchema,
  PaymentRefundedSchema,
} from "#gen/payment/v1/events_pb.js";
import { LedgerService, PaymentService } from "#gen/payment/v1/payment_pb.js";
import { defineService } from "#mesh";
import { paymentFields } from "./config.ts";
import { peerContracts } from "./peers.ts";
import { setUp, type World } from "./setup.ts";

/** The service, in the real world unless told otherwise. */
export const createPaymentService = (world: Partial<World> = {}) =>
  defineService({
    name: "payment",
    contracts: [PaymentService, LedgerService],
    calls: peerContracts,
    publishes: [PaymentProcessedSchema, PaymentFailedSchema, PaymentRefundedSchema],
    config: paymentFields,
    database: { migrations: new URL("./migrations/", import.meta.url) },
    setup: setUp(world),
  });

export default createPaymentService();
