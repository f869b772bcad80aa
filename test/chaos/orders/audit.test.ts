import { describe, expect, test } from "vitest";
import type { Books, Charge, OrderFacts, PaymentFacts } from "./audit.ts";
import { audit } from "./audit.ts";

const order: OrderFacts = {
  id: "order",
  key: "key",
  status: "paid",
  isDue: false,
  worth: 500n,
  lines: [{ productId: "bowl", quantity: 2 }],
};
const payment: PaymentFacts = {
  id: "payment",
  orderId: "order",
  state: "succeeded",
  refunded: 0n,
  refunding: 0n,
};
const charge: Charge = {
  provider: "stripe",
  paymentId: "payment",
  orderId: "order",
  amount: 500n,
  refunded: 0n,
};
const fine: Books = {
  wishes: [
    { key: "key", orderId: "order" },
    { key: "never known", orderId: undefined },
  ],
  orders: [order],
  payments: [payment, { ...payment, id: "declined", state: "failed" }],
  charges: [charge],
  ledger: new Map([
    ["provider:stripe", 500n],
    ["seller:a", -500n],
  ]),
  stocks: [{ productId: "bowl", had: 10, available: 8, reserved: 0, sold: 2 }],
  outbox: 0,
};
const complaints = (changes: Partial<Books>) => [
  ...new Set(audit({ ...fine, ...changes }).map(({ what }) => what)),
];

test("books that agree give no reason to complain", () => {
  expect(complaints({})).toEqual([]);
  const undone: Partial<Books> = {
    orders: [{ ...order, status: "cancelled" }],
    payments: [{ ...payment, refunded: 500n }],
    charges: [{ ...charge, refunded: 500n }],
    ledger: new Map(),
    stocks: [{ productId: "bowl", had: 10, available: 10, reserved: 0, sold: 0 }],
  };
  expect(complaints(undone)).toEqual([]);
});

describe("what is complained of", () => {
  test.each<[string, Partial<Books>, string]>([
    ["an order that is lost", { orders: [] }, "an acknowledged order is not there"],
    [
      "a second order for one request",
      { orders: [order, { ...order, id: "second" }] },
      "a request made two orders",
    ],
    ["an order that nobody asked for", { wishes: [] }, "nobody asked for it"],
    [
      "an order in the middle",
      { orders: [{ ...order, status: "cancelling" }] },
      "an order is neither paid nor undone",
    ],
    [
      "a paid order with something due",
      { orders: [{ ...order, isDue: true }] },
      "an order is neither paid nor undone",
    ],
    ["a paid order without money", { charges: [] }, "an order has other money than is due"],
    [
      "a paid order with a part of its money",
      { charges: [{ ...charge, refunded: 1n }] },
      "an order has other money than is due",
    ],
    [
      "an undone order with money",
      { orders: [{ ...order, status: "cancelled" }] },
      "an order has other money than is due",
    ],
    [
      "two charges for one order",
      { charges: [charge, { ...charge, paymentId: "other" }] },
      "an order is charged twice",
    ],
    ["two charges for one payment", { charges: [charge, charge] }, "a payment is charged twice"],
    [
      "money for no order",
      { charges: [charge, { ...charge, orderId: "none" }] },
      "money was taken for no order",
    ],
    ["an open payment", { payments: [{ ...payment, state: "pending" }] }, "a payment is still open"],
    ["an open refund", { payments: [{ ...payment, refunding: 1n }] }, "a payment is still open"],
    [
      "a payment that says it failed",
      { payments: [{ ...payment, state: "failed" }] },
      "a payment is not what its provider did",
    ],
    [
      "a refund that never came about",
      { payments: [{ ...payment, refunded: 1n }] },
      "a refund is not what its provider did",
    ],
    [
      "a ledger out of balance",
      { ledger: new Map([["provider:stripe", 500n]]) },
      "the ledger does not sum to zero",
    ],
    ["a ledger that knows nothing", { ledger: new Map() }, "the ledger differs from its provider"],
    ["a piece that is gone", { stocks: [{ ...fine.stocks[0]!, available: 7 }] }, "pieces came or went"],
    [
      "stock that is still held",
      { stocks: [{ ...fine.stocks[0]!, available: 7, reserved: 1 }] },
      "stock is held for nobody",
    ],
    [
      "stock that was sold to nobody",
      { stocks: [{ ...fine.stocks[0]!, available: 7, sold: 3 }] },
      "stock sold is not what was paid",
    ],
    ["events that nobody was told of", { outbox: 1 }, "events wait to be published"],
  ])("%s", (_name, changes, what) => {
    expect(complaints(changes)).toContain(what);
  });
});
