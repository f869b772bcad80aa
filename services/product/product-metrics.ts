import type { Metrics } from "#mesh";

export type ReservationOutcome =
  | "reserved"
  | "out_of_stock"
  | "refused"
  | "sold"
  | "sold_late"
  | "too_late"
  | "released"
  | "returned"
  | "expired";

/** What this service counts. */
export interface ProductMetrics {
  reservation(outcome: ReservationOutcome, count?: number): void;
}

export function createProductMetrics(metrics: Metrics): ProductMetrics {
  const reservations = metrics.counter({
    name: "weft_reservations_total",
    help: "What became of reservations. `sold_late` were paid after their time, `too_late` too, and nothing was left.",
    labels: ["outcome"],
  });
  return {
    reservation: (outcome, count = 1) => {
      if (count > 0) reservations.inc({ outcome }, count);
    },
  };
}
