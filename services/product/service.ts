import {
  ProductCreatedSchema,
  ProductStockUpdatedSchema,
  ProductUpdatedSchema,
} from "#gen/product/v1/events_pb.js";
import { ProductService } from "#gen/product/v1/product_pb.js";
import { ReservationService } from "#gen/product/v1/reservations_pb.js";
import { defineService } from "#mesh";
import { setUp, type World } from "./setup.ts";

/** The service, in the real world unless told otherwise. */
export const createProductService = ({ now = Date.now, paceMs = 1000 }: Partial<World> = {}) =>
  defineService({
    name: "product",
    contracts: [ProductService, ReservationService],
    publishes: [ProductCreatedSchema, ProductUpdatedSchema, ProductStockUpdatedSchema],
    database: { migrations: new URL("./migrations/", import.meta.url) },
    setup: setUp({ now, paceMs }),
  });

export default createProductService();
