import { OrderCreatedSchema, OrderStatusUpdatedSchema } from "#gen/order/v1/events_pb.js";
import { OrderService } from "#gen/order/v1/order_pb.js";
import { defineService } from "#mesh";
import { orderFields } from "./config.ts";
import { peerContracts } from "./peers.ts";
import { setUp, type World } from "./setup.ts";

/** The service, in the real world unless told otherwise. */
export const createOrderService = (world: Partial<World> = {}) =>
  defineService({
    name: "order",
    contracts: [OrderService],
    calls: peerContracts,
    publishes: [OrderCreatedSchema, OrderStatusUpdatedSchema],
    config: orderFields,
    database: { migrations: new URL("./migrations/", import.meta.url) },
    setup: setUp(world),
  });

export default createOrderService();
