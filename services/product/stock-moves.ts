import { StockChange } from "#gen/product/v1/events_pb.js";

/** Where the pieces of a variant are. */
export interface Stock {
  readonly available: number;
  readonly reserved: number;
  readonly sold: number;
  readonly returned: number;
}

export interface StockRow extends Stock {
  readonly variantId: string;
  readonly productId: string;
  readonly sellerId: string;
  readonly lowStockThreshold: number;
  readonly updatedAt: Date;
}

export type MoveKind = "set" | "reserved" | "released" | "sold" | "returned" | "expired";

/** What is added to each place; less than nothing is taken away. */
export interface Move extends Stock {
  readonly variantId: string;
  readonly kind: MoveKind;
  /** The order that it is for, if for one. */
  readonly orderId: string | null;
}

export interface Piece {
  readonly variantId: string;
  readonly quantity: number;
}

const nothing: Stock = { available: 0, reserved: 0, sold: 0, returned: 0 };

/** Where the pieces of an order go, by what becomes of it. */
const ways = {
  reserve: (n: number) => ({ ...nothing, kind: "reserved", available: -n, reserved: n }),
  sell: (n: number) => ({ ...nothing, kind: "sold", reserved: -n, sold: n }),
  /** The order was paid when its time was over: what is there is taken again. */
  sellLate: (n: number) => ({ ...nothing, kind: "sold", available: -n, sold: n }),
  release: (n: number) => ({ ...nothing, kind: "released", available: n, reserved: -n }),
  takeBack: (n: number) => ({ ...nothing, kind: "returned", available: n, returned: n }),
  expire: (n: number) => ({ ...nothing, kind: "expired", available: n, reserved: -n }),
} as const satisfies Record<string, (quantity: number) => Stock & { kind: MoveKind }>;

export type Way = keyof typeof ways;

/** How many pieces moved: what left one place is what came to the others. */
export const quantityOf = ({ available, reserved, sold, returned }: Stock): number =>
  Math.max(...[available, reserved, sold, returned].map(Math.abs));

/** One move of each variant that an order has, however many lines name it. */
export function movesOf(orderId: string, lines: readonly Piece[], way: Way): Move[] {
  return [...totals(lines)].map(([variantId, quantity]) => ({ variantId, orderId, ...ways[way](quantity) }));
}

/** How much of each variant there is in all lines. */
export function totals(lines: readonly Piece[]): Map<string, number> {
  const all = new Map<string, number>();
  for (const { variantId, quantity } of lines) all.set(variantId, (all.get(variantId) ?? 0) + quantity);
  return all;
}

export const setMove = (variantId: string, available: number): Move => ({
  ...nothing,
  variantId,
  kind: "set",
  orderId: null,
  available,
});

/** A move that was made, with the stock as it was then. */
export interface Moved {
  readonly move: Move;
  readonly stock: StockRow;
  readonly becameLow: boolean;
}

/** What each of the moves has made of its stock, one after the other. */
export function replay(before: readonly StockRow[], moves: readonly Move[], at: Date): Moved[] {
  const stocks = new Map(before.map((row) => [row.variantId, row]));
  return moves.flatMap((move) => {
    const row = stocks.get(move.variantId);
    if (!row) return [];
    const stock: StockRow = {
      ...row,
      available: row.available + move.available,
      reserved: row.reserved + move.reserved,
      sold: row.sold + move.sold,
      returned: row.returned + move.returned,
      updatedAt: at,
    };
    stocks.set(move.variantId, stock);
    return [{ move, stock, becameLow: isLow(stock) && !isLow(row) }];
  });
}

export const isLow = ({ available, lowStockThreshold }: StockRow): boolean => available <= lowStockThreshold;

const changes: Readonly<Record<MoveKind, StockChange>> = {
  set: StockChange.SET,
  reserved: StockChange.RESERVED,
  released: StockChange.RELEASED,
  sold: StockChange.SOLD,
  returned: StockChange.RETURNED,
  expired: StockChange.EXPIRED,
};

export const changeOf = ({ kind }: Move): StockChange => changes[kind];
