import { ProductService } from "#gen/product/v1/product_pb.js";
import { ReservationService } from "#gen/product/v1/reservations_pb.js";
import type { Contracts, Fields, Running, Setup } from "#mesh";
import { handlers, startLoop } from "#mesh";
import { describeOverdue, expire } from "./expiry.ts";
import { createProductMetrics } from "./product-metrics.ts";
import { products } from "./products.ts";
import { reservations } from "./reservations.ts";
import { stock } from "./stock.ts";

/** What tests replace. */
export interface World {
  now: () => number;
  /** How often each replica looks for reservations whose time is over. Default 1 s. */
  paceMs: number;
}

/** Puts the parts together. */
export const setUp =
  ({ now, paceMs }: World) =>
  ({ db, events, log, metrics: all, health, stopping }: Setup<Contracts, Fields>): Running => {
    const metrics = createProductMetrics(all);
    const reserving = { db, events, metrics, now };

    const expiry = startLoop({
      everyMs: paceMs,
      stopping,
      work: () => expire({ ...reserving, stopping }),
      failed: (err) =>
        log.warn({ err }, "reservations whose time is over could not be freed; tried again later"),
    });
    health.add({
      name: "reservations",
      critical: false,
      check: async () => {
        const told = await describeOverdue(db, now());
        if (told) throw new Error(told);
      },
    });

    return {
      rpc: [
        handlers(ProductService, { ...products({ db, events, now }), ...stock({ db, events, now }) }),
        handlers(ReservationService, reservations(reserving)),
      ],
      stop: () => expiry.ended,
    };
  };
