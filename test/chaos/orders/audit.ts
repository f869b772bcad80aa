import type { Complaint } from "../checker.ts";

/** An order that a customer asked for under a key, once or again and again. */
export interface Wish {
  readonly key: string;
  /** As it was acknowledged; nothing when the customer never knew. */
  readonly orderId: string | undefined;
}

export interface OrderFacts {
  readonly id: string;
  readonly key: string;
  readonly status: string;
  /** Something is still to be done. */
  readonly isDue: boolean;
  /** Less what was given back, as the order has it. */
  readonly worth: bigint;
  readonly lines: readonly { readonly productId: string; readonly quantity: number }[];
}

export interface PaymentFacts {
  readonly id: string;
  readonly orderId: string;
  readonly state: string;
  readonly refunded: bigint;
  readonly refunding: bigint;
}

/** Money that a provider took, and what of it went back. */
export interface Charge {
  readonly provider: string;
  readonly paymentId: string;
  readonly orderId: string;
  readonly amount: bigint;
  readonly refunded: bigint;
}

export interface StockFacts {
  readonly productId: string;
  readonly had: number;
  readonly available: number;
  readonly reserved: number;
  /** Less what came back. */
  readonly sold: number;
}

/** All that there is to see when everything has come to rest. */
export interface Books {
  readonly wishes: readonly Wish[];
  readonly orders: readonly OrderFacts[];
  readonly payments: readonly PaymentFacts[];
  readonly charges: readonly Charge[];
  /** What each account of the ledger has. */
  readonly ledger: ReadonlyMap<string, bigint>;
  readonly stocks: readonly StockFacts[];
  /** Events that no relay has published. */
  readonly outbox: number;
}

const paid = ["paid", "processing", "shipped", "delivered"];
const off = ["cancelled", "failed", "refunded"];
export const isOver = ({ status, isDue }: OrderFacts): boolean =>
  !isDue && (paid.includes(status) || off.includes(status));

const sum = (numbers: readonly bigint[]) => numbers.reduce((total, it) => total + it, 0n);

/** All that is wrong; nothing when each order is paid or undone, and no piece and no cent is anywhere else. */
export function audit(books: Books): Complaint[] {
  return [
    ...wrongOrders(books),
    ...wrongMoney(books),
    ...wrongPayments(books),
    ...wrongLedger(books),
    ...wrongStocks(books),
    ...(books.outbox === 0 ? [] : [{ what: "events wait to be published", where: `${books.outbox}` }]),
  ];
}

function wrongOrders({ wishes, orders }: Books): Complaint[] {
  const byKey = Map.groupBy(orders, ({ key }) => key);
  const asked = new Set(wishes.map(({ key }) => key));
  return [
    ...wishes.flatMap(({ key, orderId }) => {
      const made = byKey.get(key) ?? [];
      if (made.length > 1) return [{ what: "a request made two orders", where: key }];
      if (orderId === undefined || made[0]?.id === orderId) return [];
      return [{ what: "an acknowledged order is not there", where: orderId }];
    }),
    ...orders
      .filter(({ key }) => !asked.has(key))
      .map(({ id }) => ({ what: "nobody asked for it", where: id })),
    ...orders
      .filter((order) => !isOver(order))
      .map(({ id, status }) => ({ what: "an order is neither paid nor undone", where: `${id} ${status}` })),
  ];
}

/** What providers hold for an order is what it is worth, and nothing when it is off. */
function wrongMoney({ orders, charges }: Books): Complaint[] {
  const byOrder = Map.groupBy(charges, ({ orderId }) => orderId);
  const known = new Set(orders.map(({ id }) => id));
  return [
    ...orders.flatMap((order) => {
      const left = (byOrder.get(order.id) ?? []).map(({ amount, refunded }) => amount - refunded);
      const due = paid.includes(order.status) ? order.worth : 0n;
      const where = `${order.id} ${order.status}: ${left.join(" + ") || "nothing"} for ${due}`;
      if (left.filter((it) => it > 0n).length > 1) return [{ what: "an order is charged twice", where }];
      return sum(left) === due ? [] : [{ what: "an order has other money than is due", where }];
    }),
    ...charges
      .filter(({ orderId }) => !known.has(orderId))
      .map(({ paymentId }) => ({ what: "money was taken for no order", where: paymentId })),
  ];
}

/** What the payment service has noted is what its providers did. */
function wrongPayments({ payments, charges }: Books): Complaint[] {
  const byPayment = Map.groupBy(charges, ({ paymentId }) => paymentId);
  return payments.flatMap(({ id, state, refunded, refunding }) => {
    const [charge, ...more] = byPayment.get(id) ?? [];
    const where = `${id} ${state}`;
    if (more.length > 0) return [{ what: "a payment is charged twice", where }];
    if (state === "pending" || refunding !== 0n) return [{ what: "a payment is still open", where }];
    if ((state === "succeeded") !== (charge !== undefined))
      return [{ what: "a payment is not what its provider did", where }];
    return charge && charge.refunded !== refunded
      ? [{ what: "a refund is not what its provider did", where }]
      : [];
  });
}

function wrongLedger({ ledger, charges }: Books): Complaint[] {
  const total = sum([...ledger.values()]);
  const providers = [...new Set(charges.map(({ provider }) => provider))];
  return [
    ...(total === 0n ? [] : [{ what: "the ledger does not sum to zero", where: `${total}` }]),
    ...providers.flatMap((provider) => {
      const there = sum(
        charges.filter((it) => it.provider === provider).map(({ amount, refunded }) => amount - refunded),
      );
      const noted = ledger.get(`provider:${provider}`) ?? 0n;
      return noted === there
        ? []
        : [
            {
              what: "the ledger differs from its provider",
              where: `${provider}: ${noted}, and there ${there}`,
            },
          ];
    }),
  ];
}

function wrongStocks({ stocks, orders }: Books): Complaint[] {
  const sold = new Map<string, number>();
  for (const { lines } of orders.filter(({ status }) => paid.includes(status))) {
    for (const { productId, quantity } of lines) sold.set(productId, (sold.get(productId) ?? 0) + quantity);
  }
  return stocks.flatMap((stock) => {
    const { productId, had } = stock;
    const has = stock.available + stock.reserved + stock.sold;
    const due = sold.get(productId) ?? 0;
    return [
      ...(has === had
        ? []
        : [{ what: "pieces came or went", where: `${productId}: ${had}, and now ${has}` }]),
      ...(stock.reserved === 0 ? [] : [{ what: "stock is held for nobody", where: productId }]),
      ...(stock.sold === due
        ? []
        : [{ what: "stock sold is not what was paid", where: `${productId}: ${stock.sold}, paid ${due}` }]),
    ];
  });
}
