import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PaymentStatus, RefundStatus } from "#gen/payment/v1/payment_pb.js";
import { newId } from "#mesh";
import type { PaymentWorld } from "./payment-world.ts";
import {
  admin,
  createPaymentWorld,
  customer,
  eventually,
  failure,
  manager,
  service,
  userWith,
} from "./payment-world.ts";

let world: PaymentWorld;
beforeAll(async () => {
  world = await createPaymentWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const paid = async (token = "pm_card_visa", minorUnits = 1000n) => {
  const user = customer();
  const order = world.order(user, minorUnits);
  return { user, order, payment: await world.pay(user, order.id, token) };
};

describe("giving money back", () => {
  test("goes in parts until nothing is left, and tells of each", async () => {
    const { order, payment } = await paid();
    expect(await world.refund(payment.id, 300n)).toMatchObject({
      status: RefundStatus.SUCCEEDED,
      amount: { minorUnits: 300n },
    });
    expect(await world.status(payment.id)).toBe("PARTLY_REFUNDED");
    expect(await world.refund(payment.id)).toMatchObject({ amount: { minorUnits: 700n } });
    expect(await world.status(payment.id)).toBe("REFUNDED");
    expect((await failure(world.refund(payment.id))).reason).toBe("payment_is_refunded");
    await eventually(() => world.told(order.id)).toMatchObject([
      { type: "processed" },
      { type: "refunded", amount: 300n, inFull: false, orderNumber: order.number },
      { type: "refunded", amount: 700n, inFull: true },
    ]);
    expect(world.taken(order.id)).toMatchObject({ charged: 1000n, left: 0n });
    const { entries } = await world.ledger().listLedgerEntries({ paymentId: payment.id });
    expect(entries.map(({ kind }) => kind).sort()).toEqual([
      "charge",
      "charge",
      "refund",
      "refund",
      "refund",
      "refund",
    ]);
    expect(entries.reduce((sum, { minorUnits }) => sum + minorUnits, 0n)).toBe(0n);
  });

  test("never comes to more than was paid, however many ask at once", async () => {
    const { order, payment } = await paid();
    const asked = await Promise.allSettled(Array.from({ length: 12 }, () => world.refund(payment.id, 150n)));
    expect(asked.filter(({ status }) => status === "fulfilled")).toHaveLength(6);
    for (const it of asked) {
      if (it.status === "rejected") {
        expect((await failure(Promise.reject(it.reason))).reason).toBe("refund_exceeds_payment");
      }
    }
    expect(world.taken(order.id)).toMatchObject({ left: 100n });
    expect(await world.payment(payment.id)).toMatchObject({ refunded: { minorUnits: 900n } });
  });

  test("with the same key happens once, and with another request is refused", async () => {
    const { order, payment } = await paid();
    const key = newId();
    const made = await Promise.all(Array.from({ length: 10 }, () => world.refund(payment.id, 100n, key)));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    expect(world.taken(order.id).left).toBe(900n);
    expect((await failure(world.refund(payment.id, 200n, key))).reason).toBe("idempotency_key_reused");
  });

  test("is refused while the payment is under way, and after it failed", async () => {
    const pending = await paid("pm_card_sandbox_held");
    expect(pending.payment.status).toBe(PaymentStatus.PENDING);
    expect(await failure(world.refund(pending.payment.id))).toMatchObject({
      code: Code.FailedPrecondition,
      reason: "payment_is_pending",
    });
    const failed = await paid("pm_card_chargeDeclined");
    expect((await failure(world.refund(failed.payment.id))).reason).toBe("payment_has_failed");
  });

  test("is refused in another currency, for nothing, and for more than there is", async () => {
    const { payment } = await paid();
    expect((await failure(world.refund(payment.id, 1n, undefined, "EUR"))).reason).toBe("currency_differs");
    expect((await failure(world.refund(payment.id, 0n))).reason).toBe("refund_is_nothing");
    const tooMuch = await failure(world.refund(payment.id, 1001n));
    expect(tooMuch).toMatchObject({ reason: "refund_exceeds_payment" });
    expect(tooMuch.message).toContain("10.00 USD");
    expect((await failure(world.refund(newId()))).reason).toBe("payment_not_found");
  });

  test("that the provider does later is pending until then", async () => {
    await using slow = await createPaymentWorld({ delays: { settleMs: 600_000 } });
    const user = customer();
    const order = slow.order(user);
    const payment = await slow.pay(user, order.id, "pm_card_pendingRefund");
    expect(await slow.refund(payment.id)).toMatchObject({ status: RefundStatus.PENDING });
    expect(await slow.payment(payment.id)).toMatchObject({ status: PaymentStatus.SUCCEEDED });
    slow.sandbox.settle();
    await eventually(() => slow.status(payment.id)).toBe("REFUNDED");
    await eventually(() => slow.types(order.id)).toEqual(["processed", "refunded"]);
  });

  test("that the provider refuses frees the amount again", async () => {
    const { payment } = await paid("pm_card_sandbox_refund_fails");
    expect(await world.refund(payment.id, 400n)).toMatchObject({ status: RefundStatus.FAILED });
    expect(await world.payment(payment.id)).toMatchObject({
      status: PaymentStatus.SUCCEEDED,
      refunded: { minorUnits: 0n },
    });
    expect(await world.refund(payment.id, 1000n)).toMatchObject({ amount: { minorUnits: 1000n } });
  });

  test("that comes back from the customer's bank is owed again, in the books too", async () => {
    const { order, payment } = await paid("pm_card_refundFail");
    const seller = `seller:${order.sellerId}`;
    const owed = async () => (await world.ledger().getBalances({ accountPrefix: seller })).balances;
    expect(await world.refund(payment.id, 400n)).toMatchObject({ status: RefundStatus.SUCCEEDED });
    await eventually(async () =>
      (await world.payment(payment.id)).refunds.map(({ status }) => status),
    ).toEqual([RefundStatus.FAILED]);
    const { status, refunded, refunds } = await world.payment(payment.id);
    expect({ status, refunded: refunded?.minorUnits }).toEqual({
      status: PaymentStatus.SUCCEEDED,
      refunded: 0n,
    });
    expect(refunds[0]?.failureCode).toBe("expired_or_canceled_card");
    expect(await owed()).toMatchObject([{ minorUnits: -1000n }]);
    expect((await world.ledger().getBalances({})).balanced).toBe(true);
    const { entries } = await world.ledger().listLedgerEntries({ paymentId: payment.id });
    expect(
      entries.filter(({ account }) => account === seller).map((it) => `${it.kind} ${it.minorUnits}`),
    ).toEqual(["refund_back -400", "refund 400", "charge -1000"]);
    expect(await world.metrics()).toMatch(/payment_refunds_total\{.*outcome="came_back".*\} \d/);
    expect(await world.refund(payment.id, 1000n)).toMatchObject({ amount: { minorUnits: 1000n } });
    await eventually(() => world.told(order.id)).toMatchObject([
      { type: "processed" },
      { type: "refunded", amount: 400n, inFull: false },
      { type: "refunded", amount: 600n, inFull: true },
    ]);
  });

  test("that comes back without a callback is found out a day later", async () => {
    const { order, payment } = await paid("pm_card_sandbox_refund_comes_back_silently");
    const { id } = await world.refund(payment.id);
    await eventually(() => world.taken(order.id).left).toBe(1000n);
    expect(await world.status(payment.id)).toBe("REFUNDED");
    await world.sql`update refunds set next_try_at = now() where id = ${id}`;
    await eventually(() => world.status(payment.id)).toBe("SUCCEEDED");
  });

  test("that stays is looked at again and again for a month, and then no more", async () => {
    const { payment } = await paid("pm_card_sandbox_webhook_never");
    const { id } = await world.refund(payment.id);
    const looks: number[] = [];
    for (;;) {
      const [row] = await world.sql<{ days: number | null }[]>`
        select round(extract(epoch from next_try_at - updated_at) / 86400)::int as days
        from refunds where id = ${id}`;
      if (row?.days == null) break;
      if (row.days !== looks.at(-1)) looks.push(row.days);
      // As if it were older.
      await world.sql`
        update refunds set next_try_at = now(), updated_at = now() - make_interval(days => ${row.days})
        where id = ${id} and next_try_at > now() + interval '1 hour'`;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(looks).toEqual([1, 2, 4, 8, 16, 32]);
    expect(await world.status(payment.id)).toBe("REFUNDED");
  });

  test("whose answer got lost is found, not done again", async () => {
    const { order, payment } = await paid("pm_card_sandbox_refund_hangs_up");
    expect(await world.refund(payment.id, 400n)).toMatchObject({ status: RefundStatus.PENDING });
    await eventually(() => world.status(payment.id)).toBe("PARTLY_REFUNDED");
    expect(world.taken(order.id).left).toBe(600n);
  });

  test("keeps a reason as it was written, without a card's number in it", async () => {
    const { payment } = await paid();
    const reason = "שבור 📦\0 weg";
    const { refund } = await world
      .payments(manager)
      .refundPayment({ id: payment.id, amount: { currency: "USD", minorUnits: 1n }, reason });
    expect(refund?.reason).toBe("שבור 📦\u{fffd} weg");
    const bad = world.payments(manager).refundPayment({ id: payment.id, reason: "card 4242 4242-4242 4242" });
    expect((await failure(bad)).reason).toBe("card_number_refused");
  });
});

describe("closing an order", () => {
  test("gives back what refunds in part have left", async () => {
    const { order, payment } = await paid();
    await world.refund(payment.id, 250n);
    await eventually(() => world.close(order.id)).toBe(true);
    const { refunds } = await world.payment(payment.id);
    expect(refunds.map(({ amount }) => amount?.minorUnits)).toEqual([250n, 750n]);
    expect(world.taken(order.id)).toMatchObject({ left: 0n });
  });

  test("races with refunds and other closings without giving back too much", async () => {
    const { order, payment } = await paid();
    await Promise.allSettled([
      ...Array.from({ length: 5 }, () => world.refund(payment.id, 150n)),
      ...Array.from({ length: 5 }, () => world.close(order.id)),
    ]);
    await eventually(() => world.close(order.id)).toBe(true);
    expect(world.taken(order.id)).toMatchObject({ charged: 1000n, left: 0n });
    expect(await world.payment(payment.id)).toMatchObject({ refunded: { minorUnits: 1000n } });
  });

  test("races with paying: it is charged and given back, or never charged", async () => {
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        const user = customer();
        const order = world.order(user);
        await Promise.allSettled([world.pay(user, order.id), world.close(order.id)]);
        await eventually(() => world.close(order.id)).toBe(true);
        expect(world.taken(order.id).left).toBe(0n);
        expect((await failure(world.pay(user, order.id))).reason).toBe("order_is_closed");
      }),
    );
  });

  test("cancels what the provider has not done yet", async () => {
    const { order, payment } = await paid("pm_card_sandbox_held");
    expect(await world.close(order.id)).toBe(true);
    expect(await world.payment(payment.id)).toMatchObject({
      status: PaymentStatus.FAILED,
      failureCode: "canceled",
    });
    await eventually(() => world.types(order.id)).toEqual(["failed"]);
    expect(world.taken(order.id).times).toBe(0);
  });

  test("waits for what cannot be cancelled, and gives it back when it comes", async () => {
    const { order, payment } = await paid("pm_card_sandbox_firm");
    expect(await world.close(order.id)).toBe(false);
    world.sandbox.settle();
    await eventually(() => world.types(order.id)).toEqual(["processed", "refunded"]);
    expect(await world.close(order.id)).toBe(true);
    expect(await world.status(payment.id)).toBe("REFUNDED");
    expect(world.taken(order.id)).toMatchObject({ times: 1, left: 0n });
  });

  test("tries another refund when the first one fails", async () => {
    const { order, payment } = await paid("pm_card_sandbox_refund_fails_once");
    await world.close(order.id);
    await eventually(() => world.types(order.id)).toEqual(["processed", "refunded"]);
    expect((await world.payment(payment.id)).refunds.map(({ status }) => status)).toEqual([
      RefundStatus.FAILED,
      RefundStatus.SUCCEEDED,
    ]);
    expect(world.taken(order.id).left).toBe(0n);
  });
});

describe("an order that was closed", () => {
  test("is owed for again when its refund comes back, until another one stays", async () => {
    const { order, payment } = await paid("pm_card_sandbox_refund_comes_back_once");
    await eventually(() => world.close(order.id)).toBe(true);
    await eventually(async () =>
      (await world.payment(payment.id)).refunds.map(({ status }) => status),
    ).toEqual([RefundStatus.FAILED, RefundStatus.SUCCEEDED]);
    expect(world.taken(order.id)).toMatchObject({ times: 1, left: 0n });
    await eventually(() => world.close(order.id)).toBe(true);
    expect((await world.ledger().getBalances({})).balanced).toBe(true);
    expect((await world.payment(payment.id)).refunded?.minorUnits).toBe(1000n);
    // The customer was promised it once, and sums of what went back count it once.
    expect(world.types(order.id)).toEqual(["processed", "refunded"]);
  });
});

describe("who may see and give back", () => {
  test("are the customer, the seller and who deals with all payments; to others there is none", async () => {
    const { user, order, payment } = await paid();
    const seller = { ...userWith("payment:read"), id: order.sellerId };
    for (const who of [user, seller, admin, manager]) {
      expect((await world.payments(who).getPayment({ id: payment.id.toUpperCase() })).payment?.id).toBe(
        payment.id,
      );
    }
    expect(
      await failure(world.payments(userWith("payment:read")).getPayment({ id: payment.id })),
    ).toMatchObject({
      code: Code.NotFound,
    });
    const asked = world.payments(user).refundPayment({ id: payment.id });
    expect((await failure(asked)).code).toBe(Code.PermissionDenied);
    expect((await failure(world.payments(user).closeOrder({ orderId: order.id }))).code).toBe(
      Code.PermissionDenied,
    );
    expect((await failure(world.payments(service("product")).closeOrder({ orderId: order.id }))).code).toBe(
      Code.PermissionDenied,
    );
    expect((await failure(world.ledger({ user: manager }).getBalances({}))).code).toBe(Code.PermissionDenied);
  });

  test("list one's own, newest first, page by page, or those of an order", async () => {
    const user = customer();
    const ids: string[] = [];
    for (let count = 0; count < 5; count++) ids.unshift((await world.pay(user, world.order(user).id)).id);
    const seen: string[] = [];
    let pageToken = "";
    do {
      const page = await world.payments(user).listPayments({ pageSize: 2, pageToken });
      seen.push(...page.payments.map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(new Set(seen)).toEqual(new Set(ids));
    const { order, payment } = await paid();
    const list = async (who: Parameters<typeof world.payments>[0]) =>
      (await world.payments(who).listPayments({ orderId: order.id })).payments.map(({ id }) => id);
    expect(await list(user)).toEqual([]);
    expect(await list({ ...userWith(), id: order.sellerId })).toEqual([payment.id]);
    expect(await list(service("order"))).toEqual([payment.id]);
    expect(await list(admin)).toEqual([payment.id]);
    expect((await failure(world.payments(user).listPayments({ pageToken: "x" }))).reason).toBe(
      "bad_page_token",
    );
  });
});

describe("the books", () => {
  test("take no transaction that does not come to zero, and change nothing afterwards", async () => {
    const { payment, order } = await paid();
    const at = new Date();
    const transaction = {
      id: newId(),
      kind: "charge",
      payment_id: newId(),
      order_id: order.id,
      created_at: at,
    };
    const entry = {
      transaction_id: transaction.id,
      account: "provider:stripe",
      currency: "USD",
      minor_units: 5,
    };
    const book = (...entries: object[]) =>
      world.sql.begin(async (tx) => {
        await tx`insert into ledger_transactions ${tx(transaction)}`;
        for (const it of entries)
          await tx`insert into ledger_entries ${tx({ id: newId(), ...entry, ...it })}`;
      });
    await expect(book()).rejects.toThrow(/no entries/);
    await expect(book({})).rejects.toThrow(/sum to zero/);
    await expect(book({}, { currency: "EUR", minor_units: -5 })).rejects.toThrow(/sum to zero/);
    await expect(book({}, { minor_units: -4 })).rejects.toThrow(/sum to zero/);
    await expect(world.sql`update ledger_entries set minor_units = 1`).rejects.toThrow(/never changed/);
    await expect(world.sql`delete from ledger_transactions`).rejects.toThrow(/never changed/);
    const { entries, nextPageToken } = await world
      .ledger()
      .listLedgerEntries({ account: "provider:stripe", pageSize: 1 });
    expect(entries).toHaveLength(1);
    expect(nextPageToken).not.toBe("");
    expect((await world.ledger().listLedgerEntries({ paymentId: payment.id })).entries).toHaveLength(2);
    expect((await world.ledger().getBalances({})).balanced).toBe(true);
  });
});
