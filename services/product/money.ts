import type { MessageInitShape } from "@bufbuild/protobuf";
import type { MoneySchema } from "#gen/common/v1/money_pb.js";
import { fail } from "#mesh";

export interface Price {
  readonly currency: string;
  readonly minorUnits: bigint;
}

export const toMoney = ({ currency, minorUnits }: Price): MessageInitShape<typeof MoneySchema> => ({
  currency,
  minorUnits,
});

/** The contract has looked at it; a price that is not there is a mistake. */
export function requirePrice(price: Price | undefined): Price {
  if (price) return costing(price);
  throw fail.invalid("price_required", "price: a product has one", {
    remedy: "set its currency and minor_units",
  });
}

/** What costs nothing could never be paid; and amounts that were forgotten are zero. */
export function costing({ currency, minorUnits }: Price): Price {
  if (minorUnits > 0n) return { currency, minorUnits };
  throw fail.invalid("price_is_nothing", "price: must be more than nothing", {
    remedy: "set minor_units, in the smallest unit of the currency",
  });
}

export const currencyDiffers = (variant: string, product: string) =>
  fail.invalid("currency_differs", `a variant is priced in ${variant} and its product in ${product}`, {
    remedy: "price all variants in the currency of the product",
  });
