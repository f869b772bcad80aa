import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ReservationService, ReservedLineSchema } from "#gen/product/v1/reservations_pb.js";
import type { Handlers } from "#mesh";
import { canonicalId, reasonOf, WeftError } from "#mesh";
import { wantedLine } from "./order-lines.ts";
import type { LineRow } from "./reservations-store.ts";
import type { ReservingOptions } from "./reserve.ts";
import { createReserve } from "./reserve.ts";
import { createSettle } from "./settle.ts";

const heldMs = 30 * 60_000;

/** Stock that is held for orders. */
export function reservations(options: ReservingOptions): Handlers<typeof ReservationService> {
  const { metrics } = options;
  const reserve = createReserve(options);
  const settle = createSettle(options);

  return {
    async reserve({ orderId, lines, ttl }) {
      const ttlMs = ttl ? Math.max(1, Math.floor(durationMs(ttl))) : heldMs;
      try {
        const reserved = await reserve(canonicalId(orderId), lines.map(wantedLine), ttlMs);
        const { expiresAt } = reserved;
        return {
          lines: reserved.lines.map(toReservedLine),
          sellerId: reserved.lines[0]?.sellerId ?? "",
          ...(expiresAt && { expiresAt: timestampFromDate(expiresAt) }),
        };
      } catch (error) {
        if (error instanceof WeftError) {
          metrics.reservation(reasonOf(error) === "out_of_stock" ? "out_of_stock" : "refused");
        }
        throw error;
      }
    },

    async commit({ orderId }) {
      await settle.sell(canonicalId(orderId));
      return {};
    },

    async release({ orderId }) {
      await settle.release(canonicalId(orderId));
      return {};
    },
  };
}

function toReservedLine(line: LineRow): MessageInitShape<typeof ReservedLineSchema> {
  const { productId, variantId, productName, variantName, sku, quantity, unitPrice, currency } = line;
  return {
    productId,
    variantId,
    productName,
    variantName,
    sku,
    quantity,
    unitPrice: { currency, minorUnits: unitPrice },
  };
}
