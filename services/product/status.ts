import { ProductStatus } from "#gen/product/v1/product_pb.js";
import type { ProductStatus as StoredStatus } from "./products-store.ts";

const statuses: Readonly<Record<StoredStatus, ProductStatus>> = {
  draft: ProductStatus.DRAFT,
  on_sale: ProductStatus.ON_SALE,
  paused: ProductStatus.PAUSED,
};

export const toStatus = (stored: StoredStatus): ProductStatus => statuses[stored];

const stored = new Map(Object.entries(statuses).map(([name, status]) => [status, name as StoredStatus]));

/** Nothing where none is given. */
export const storedStatus = (status: ProductStatus): StoredStatus | undefined => stored.get(status);
