import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { advance, refundedOf } from "./order-machine.ts";
import type { Happening, OrderState } from "./order-state.ts";
import type { Status } from "./status.ts";
import { isPaid, successors } from "./status.ts";
import type { Move } from "./testing/shop-model.ts";
import { createShop } from "./testing/shop-model.ts";

const usd = (minorUnits: bigint) => ({ currency: "USD", minorUnits });

const fresh: OrderState = {
  status: "pending",
  due: ["reserve"],
  round: 1,
  tries: 1,
  reason: "",
  payByMs: 1000,
  total: null,
  paymentId: null,
  payments: [],
};

/** An order to which all this happened, each thing of which must matter. */
const after = (...happenings: Happening[]): OrderState =>
  happenings.reduce((state, it) => {
    const outcome = advance(state, it);
    if (!outcome) throw new Error(`${it.kind} changes nothing of an order that is ${state.status}`);
    return outcome.state;
  }, fresh);

const reserved: Happening = { kind: "reserved", total: usd(100n), payByMs: 2000 };
const paid: Happening = { kind: "paid", paymentId: "p", amount: usd(100n) };
const committed: Happening = { kind: "stock_committed" };
const cancel: Happening = { kind: "cancel", by: "customer" };
const closed: Happening = { kind: "payment_closed", settled: true };
const released: Happening = { kind: "stock_released" };
const refund = (refunded: bigint, inFull = refunded === 100n): Happening => ({
  kind: "refund",
  paymentId: "p",
  refunded,
  inFull,
});
const forward = (to: Status): Happening => ({ kind: "advance", to, by: "seller" });

describe("an order", () => {
  test("goes from its stock to its payment to its delivery", () => {
    expect(after(reserved)).toMatchObject({ status: "awaiting_payment", due: [], payByMs: 2000 });
    expect(after(reserved, paid)).toMatchObject({ status: "paid", due: ["commit_stock"], paymentId: "p" });
    const steps = [
      reserved,
      paid,
      committed,
      forward("processing"),
      forward("shipped"),
      forward("delivered"),
    ];
    expect(after(...steps)).toMatchObject({ status: "delivered", due: [] });
  });

  test("that costs nothing is paid at once", () => {
    const free: Happening = { kind: "reserved", total: usd(0n), payByMs: 2000 };
    expect(after(free)).toMatchObject({ status: "paid", due: ["commit_stock"] });
  });

  test("is not sent before its stock is booked as sold", () => {
    expect(advance(after(reserved, paid), forward("processing"))).toBeUndefined();
    expect(advance(after(reserved, paid, committed), forward("shipped"))).toBeUndefined();
  });

  test("that is called off gives money back first, then stock, and is then cancelled", () => {
    const off = after(reserved, paid, committed, cancel);
    expect(off).toMatchObject({ status: "cancelling", due: ["close_payment", "release_stock"] });
    expect(advance(off, { kind: "payment_closed", settled: false })).toBeUndefined();
    expect(advance(off, closed)?.state).toMatchObject({ status: "cancelling", due: ["release_stock"] });
    expect(after(reserved, paid, committed, cancel, closed, released)).toMatchObject({
      status: "cancelled",
      due: [],
      reason: "cancelled_by_customer",
    });
  });

  test("that was refused is over, unless an earlier question may have been answered otherwise", () => {
    const refused: Happening = { kind: "refused", reason: "out_of_stock" };
    expect(after(refused)).toMatchObject({ status: "failed", reason: "out_of_stock", due: [] });
    expect(advance({ ...fresh, tries: 2 }, refused)?.state).toMatchObject({
      status: "failed",
      due: ["release_stock"],
    });
  });

  test("that nobody could pay yet has nothing to close", () => {
    expect(after(cancel).due).toEqual(["release_stock"]);
  });

  test("that was paid and whose stock is gone gives the money back", () => {
    const gone: Happening = { kind: "stock_gone", reason: "reservation_expired" };
    expect(after(reserved, paid, gone)).toMatchObject({
      status: "cancelling",
      reason: "reservation_expired",
      due: ["close_payment", "release_stock"],
    });
  });

  test("that is off sends back what is paid late, and stays what it was", () => {
    const refused: Happening = { kind: "refused", reason: "out_of_stock" };
    expect(after(refused, paid)).toMatchObject({ status: "failed", due: ["close_payment"] });
    expect(after(reserved, cancel, closed, released, paid)).toMatchObject({
      status: "cancelled",
      due: ["close_payment"],
    });
    expect(after(reserved, cancel, closed, paid).due).toEqual(["close_payment", "release_stock"]);
  });

  test("is off when another sum is paid than it costs", () => {
    for (const amount of [usd(99n), usd(101n), { currency: "EUR", minorUnits: 100n }]) {
      expect(after(reserved, { ...paid, amount } as Happening)).toMatchObject({
        status: "cancelling",
        reason: "wrong_amount",
        due: ["close_payment", "release_stock"],
      });
    }
  });

  test("is refunded when all went back, and keeps its stock sold if that was sent", () => {
    const bought = [reserved, paid, committed];
    expect(after(...bought, refund(40n))).toMatchObject({ status: "paid", due: [] });
    expect(refundedOf(after(...bought, refund(40n)))).toBe(40n);
    expect(after(...bought, refund(40n), refund(100n))).toMatchObject({
      status: "refunded",
      due: ["release_stock"],
    });
    const sent = [...bought, forward("processing"), forward("shipped")];
    expect(after(...sent, refund(100n))).toMatchObject({ status: "refunded", due: [] });
  });

  test("is the same whether a payment or its refund is heard of first", () => {
    expect(after(reserved, refund(100n), paid)).toEqual({
      ...after(reserved, paid, refund(100n)),
      round: expect.any(Number),
    });
  });

  test("has a failed payment noted, and may be paid in another way", () => {
    const failed: Happening = { kind: "payment_failed", reason: "card_declined" };
    expect(advance(after(reserved), failed)).toEqual({
      state: after(reserved),
      history: [{ status: "awaiting_payment", reason: "card_declined", by: "system" }],
    });
    expect(advance(after(reserved, paid), failed)).toBeUndefined();
  });

  test("is called off when its time is over, and not before", () => {
    expect(advance(after(reserved), { kind: "time_over", nowMs: 1999 })).toBeUndefined();
    expect(after(reserved, { kind: "time_over", nowMs: 2000 }).reason).toBe("not_paid_in_time");
    expect(after({ kind: "time_over", nowMs: 1000 }).reason).toBe("not_held_in_time");
    expect(advance(after(reserved, paid), { kind: "time_over", nowMs: 9999 })).toBeUndefined();
  });
});

describe("whatever happens, in whatever order, late, twice or never", () => {
  const total = 100;
  const which = fc.nat(5);
  const move: fc.Arbitrary<Move> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant("ask" as const),
        refuses: fc.boolean(),
        pricey: rarely(),
        instant: fc.boolean(),
      }),
    },
    { weight: 6, arbitrary: fc.record({ do: fc.constant("answer" as const), which, lost: rarely() }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant("hear" as const), which, again: fc.boolean() }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("look" as const, "pay" as const) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("charge" as const), declined: rarely() }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("refund" as const), part: fc.constantFrom(1, 50, 100) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("refunds_arrive" as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant("cancel" as const),
        by: fc.constantFrom("customer" as const, "seller" as const, "admin" as const),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("forward" as const),
        to: fc.constantFrom<Status>("paid", "processing", "shipped", "delivered", "cancelled"),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constantFrom("hold_expires" as const, "time_over" as const) }),
    },
  );
  const usual: readonly Move[] = [
    { do: "ask", refuses: false, pricey: false, instant: true },
    { do: "answer", which: 0, lost: false },
    { do: "look" },
    { do: "pay" },
    { do: "charge", declined: false },
    { do: "hear", which: 0, again: false },
    { do: "ask", refuses: false, pricey: false, instant: true },
    { do: "answer", which: 0, lost: false },
    { do: "forward", to: "processing" },
    { do: "forward", to: "shipped" },
    { do: "forward", to: "delivered" },
  ];
  // Most orders get somewhere, or nothing of what comes later would ever be tried.
  const moves = fc
    .tuple(fc.nat(usual.length), fc.array(move, { maxLength: 40 }))
    .map(([begin, rest]) => [...usual.slice(0, begin), ...rest]);
  const runs = { numRuns: 5000 };

  const shopAfter = (list: readonly Move[]) => {
    const shop = createShop(total);
    for (const it of list) shop.move(it);
    return shop;
  };

  test("every change is one of those that there are, and an end is an end", () => {
    fc.assert(
      fc.property(moves, (list) => {
        const shop = shopAfter(list);
        shop.settle();
        const statuses = shop.history.map(({ status }) => status);
        statuses.reduce((before, status) => {
          if (status !== before) expect(successors[before]).toContain(status);
          return status;
        });
        expect(statuses.at(-1)).toBe(shop.order.status);
      }),
      runs,
    );
  });

  test("no money and no stock is left hanging", () => {
    const ends = new Map<Status, number>();
    fc.assert(
      fc.property(moves, (list) => {
        const shop = shopAfter(list);
        shop.settle();
        const { status, due } = shop.order;
        expect(due).toEqual([]);
        ends.set(status, (ends.get(status) ?? 0) + 1);
        const wasSent = shop.history.some((it) => it.status === "shipped");
        if (isPaid(status)) {
          expect(shop.stock).toBe("sold");
          expect(shop.charged()).toBeGreaterThan(0);
        } else {
          expect(successors[status]).toEqual([]);
          expect(shop.charged()).toBe(0);
          expect(wasSent ? ["sold"] : ["none", "expired", "released"]).toContain(shop.stock);
        }
      }),
      runs,
    );
    // Else the above would say little.
    expect([...ends.keys()].sort()).toEqual(
      ["cancelled", "delivered", "failed", "paid", "processing", "refunded", "shipped"].sort(),
    );
  });

  test("something is due whenever the order alone cannot end", () => {
    fc.assert(
      fc.property(moves, (list) => {
        const { order } = shopAfter(list);
        if (order.status === "pending" || order.status === "cancelling") expect(order.due).not.toEqual([]);
      }),
      runs,
    );
  });

  function rarely() {
    return fc.oneof(
      { weight: 4, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    );
  }
});
