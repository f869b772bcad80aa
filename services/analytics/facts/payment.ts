import {
  PaymentFailedSchema,
  PaymentProcessedSchema,
  PaymentRefundedSchema,
} from "#gen/payment/v1/events_pb.js";
import { mapping } from "./fact.ts";

export const refundMetric = "refunds";

export const paymentFacts = [
  mapping(PaymentProcessedSchema, ({ orderId, customerId, sellerId, amount, provider, processedAt }) => [
    {
      metric: "payments_processed",
      at: processedAt,
      userId: customerId,
      ownerId: sellerId,
      amount,
      properties: { order_id: orderId, provider },
    },
  ]),
  mapping(PaymentFailedSchema, (message) => [
    {
      metric: "payments_failed",
      at: message.failedAt,
      userId: message.customerId,
      ownerId: message.sellerId,
      amount: message.amount,
      properties: {
        order_id: message.orderId,
        provider: message.provider,
        failure_code: message.failureCode,
      },
    },
  ]),
  mapping(PaymentRefundedSchema, ({ orderId, sellerId, amount, reason, refundedAt }) => [
    {
      metric: refundMetric,
      at: refundedAt,
      ownerId: sellerId,
      amount,
      properties: { order_id: orderId, reason },
    },
  ]),
];
