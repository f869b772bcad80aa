import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { OrderLineSchema, OrderSchema, StatusChangeSchema } from "#gen/order/v1/order_pb.js";
import { OrderStatus } from "#gen/order/v1/order_pb.js";
import type { HistoryRow } from "./history-store.ts";
import type { LineRow } from "./lines-store.ts";
import type { OrderRow } from "./orders-store.ts";
import { lineTotal } from "./pricing.ts";
import type { Status } from "./status.ts";

const shown: Readonly<Record<Status, OrderStatus>> = {
  pending: OrderStatus.PENDING,
  awaiting_payment: OrderStatus.AWAITING_PAYMENT,
  paid: OrderStatus.PAID,
  processing: OrderStatus.PROCESSING,
  shipped: OrderStatus.SHIPPED,
  delivered: OrderStatus.DELIVERED,
  cancelling: OrderStatus.CANCELLING,
  cancelled: OrderStatus.CANCELLED,
  failed: OrderStatus.FAILED,
  refunded: OrderStatus.REFUNDED,
};

export const toStatus = (status: Status): OrderStatus => shown[status];

/** Nothing for the status that says nothing. */
export const statusOf = (status: OrderStatus): Status | undefined =>
  (Object.keys(shown) as Status[]).find((it) => shown[it] === status);

export function toOrder(
  row: OrderRow,
  lines: readonly LineRow[],
  history: readonly HistoryRow[] = [],
): MessageInitShape<typeof OrderSchema> {
  const { id, number, customerId, sellerId, currency, total, note, delivery, paymentId, reason } = row;
  return {
    id,
    number,
    customerId,
    sellerId: sellerId ?? "",
    status: toStatus(row.status),
    lines: lines.map((line) => toLine(line, currency)),
    ...(currency !== null &&
      total !== null && {
        total: { currency, minorUnits: total },
        refunded: { currency, minorUnits: row.refunded },
      }),
    ...(delivery && { delivery: { ...delivery, lines: [...delivery.lines] } }),
    note,
    paymentId: paymentId ?? "",
    payBy: timestampFromDate(row.payBy),
    reason,
    createdAt: timestampFromDate(row.createdAt),
    updatedAt: timestampFromDate(row.updatedAt),
    history: history.map(toChange),
  };
}

function toLine(line: LineRow, currency: string | null): MessageInitShape<typeof OrderLineSchema> {
  const { productId, variantId, productName, variantName, sku, quantity, unitPrice } = line;
  const money = (minorUnits: bigint) => ({ currency: currency ?? "", minorUnits });
  return {
    productId: productId ?? "",
    variantId: variantId ?? "",
    productName,
    variantName,
    sku,
    quantity,
    ...(unitPrice !== null && {
      unitPrice: money(unitPrice),
      total: money(lineTotal({ quantity, unitPrice: { currency: currency ?? "", minorUnits: unitPrice } })),
    }),
  };
}

/** What somebody wrote says more than our word for it. */
const toChange = ({
  status,
  reason,
  said,
  by,
  at,
}: HistoryRow): MessageInitShape<typeof StatusChangeSchema> => ({
  status: toStatus(status),
  reason: said || reason,
  by,
  at: timestampFromDate(at),
});
