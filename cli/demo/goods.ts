import { ProductStatus } from "#gen/product/v1/product_pb.js";

/** What is offered in the demonstration, by which of the sellers. */
export interface Goods {
  readonly sku: string;
  readonly seller: number;
  readonly name: string;
  readonly description: string;
  readonly category: string;
  readonly currency: string;
  readonly minorUnits: bigint;
  readonly stock: number;
  readonly variants?: readonly { readonly name: string; readonly attributes: Record<string, string> }[];
  readonly status?: ProductStatus;
}

export const goods: readonly Goods[] = [
  {
    sku: "POT-5",
    seller: 0,
    name: "Clay cooking pot, 5 l",
    description: "Fired at 900 °C, for stews on charcoal or gas.",
    category: "home/kitchen",
    currency: "GHS",
    minorUnits: 18_500n,
    stock: 40,
  },
  {
    sku: "KENTE",
    seller: 0,
    name: "Kente scarf",
    description: "Woven by hand in narrow strips, 180 × 30 cm.",
    category: "clothing/scarves",
    currency: "GHS",
    minorUnits: 32_000n,
    stock: 25,
    variants: [
      { name: "Gold", attributes: { colour: "gold" } },
      { name: "Blue", attributes: { colour: "blue" } },
    ],
  },
  {
    sku: "SHEA-250",
    seller: 0,
    name: "Shea butter, 250 g",
    description: "Unrefined, in a glass that can be filled again.",
    category: "care/skin",
    currency: "GHS",
    minorUnits: 4_500n,
    stock: 200,
  },
  {
    sku: "LAMP-S",
    seller: 1,
    name: "Solar lamp",
    description: "Eight hours of light after a day in the sun; charges a telephone too.",
    category: "home/light",
    currency: "KES",
    minorUnits: 245_000n,
    stock: 60,
  },
  {
    sku: "SANDAL",
    seller: 1,
    name: "Leather sandals",
    description: "Soles of old tyres, straps of new leather.",
    category: "clothing/shoes",
    currency: "KES",
    minorUnits: 180_000n,
    stock: 12,
    variants: ["38", "40", "42", "44"].map((size) => ({ name: `Size ${size}`, attributes: { size } })),
  },
  {
    sku: "COFFEE-500",
    seller: 1,
    name: "Coffee beans, 500 g",
    description: "Washed, dried in the sun, roasted this week.",
    category: "food/coffee",
    currency: "KES",
    minorUnits: 98_000n,
    stock: 3,
  },
  {
    sku: "LAMP-XL",
    seller: 1,
    name: "Solar lamp for a yard",
    description: "Not on sale yet.",
    category: "home/light",
    currency: "KES",
    minorUnits: 780_000n,
    stock: 0,
    status: ProductStatus.DRAFT,
  },
];

/** Who buys what, and how it is paid; without a card it waits for its money. */
export interface Purchase {
  readonly customer: number;
  readonly sku: string;
  readonly quantity: number;
  readonly card?: string;
  /** How far its seller is with it. */
  readonly sent?: boolean;
  readonly cancelled?: boolean;
}

export const purchases: readonly Purchase[] = [
  { customer: 0, sku: "POT-5", quantity: 1, card: "pm_card_visa", sent: true },
  { customer: 0, sku: "KENTE", quantity: 2, card: "pm_card_mastercard" },
  { customer: 1, sku: "SHEA-250", quantity: 6, card: "pm_card_visa", cancelled: true },
  { customer: 1, sku: "LAMP-S", quantity: 1, card: "pm_card_chargeDeclined" },
  { customer: 2, sku: "SANDAL", quantity: 1, card: "pm_card_visa" },
  { customer: 2, sku: "COFFEE-500", quantity: 2 },
];
