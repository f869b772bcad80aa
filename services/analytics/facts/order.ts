import { OrderCreatedSchema, OrderStatusUpdatedSchema } from "#gen/order/v1/events_pb.js";
import { OrderStatus } from "#gen/order/v1/order_pb.js";
import { mapping } from "./fact.ts";

export const paidMetric = "orders_paid";

/** Statuses on the way to these are counted with them. */
const countedAs: Partial<Record<OrderStatus, string>> = {
  [OrderStatus.PAID]: paidMetric,
  [OrderStatus.SHIPPED]: "orders_shipped",
  [OrderStatus.DELIVERED]: "orders_delivered",
  [OrderStatus.CANCELLED]: "orders_cancelled",
  [OrderStatus.FAILED]: "orders_failed",
  [OrderStatus.REFUNDED]: "orders_refunded",
};

export const orderFacts = [
  mapping(OrderCreatedSchema, ({ orderId, customerId, sellerId, total, createdAt }) => [
    {
      metric: "orders_created",
      at: createdAt,
      userId: customerId,
      ownerId: sellerId,
      amount: total,
      properties: { order_id: orderId },
    },
  ]),
  mapping(OrderStatusUpdatedSchema, ({ orderId, customerId, sellerId, status, reason, total, updatedAt }) => {
    const metric = countedAs[status];
    if (!metric) return [];
    return [
      {
        metric,
        at: updatedAt,
        // The rest is done by sellers, or by nobody.
        ...(status === OrderStatus.PAID && { userId: customerId }),
        ownerId: sellerId,
        amount: total,
        properties: { order_id: orderId, reason },
      },
    ];
  }),
];
