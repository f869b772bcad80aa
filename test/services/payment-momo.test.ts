import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PaymentStatus, RefundStatus } from "#gen/payment/v1/payment_pb.js";
import type { PaymentWorld } from "./payment-world.ts";
import { createPaymentWorld, customer, eventually } from "./payment-world.ts";

let world: PaymentWorld;
beforeAll(async () => {
  world = await createPaymentWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const pay = async (phone?: string) => {
  const user = customer();
  const order = world.order(user, 2050n, { currency: "GHS" });
  return { order, payment: await world.payByPhone(user, order.id, phone) };
};

describe("paying by mobile money", () => {
  test("is pending until the owner of the telephone agrees", async () => {
    const { order, payment } = await pay();
    expect(payment).toMatchObject({
      status: PaymentStatus.PENDING,
      provider: "momo",
      methodLabel: "+233…4567",
    });
    await eventually(() => world.status(payment.id)).toBe("SUCCEEDED");
    expect(world.taken(order.id)).toMatchObject({ times: 1, charged: 2050n });
    await eventually(() => world.types(order.id)).toEqual(["processed"]);
    const [row] = await world.sql`select source from payments where id = ${payment.id}`;
    expect(row?.source).toBeNull();
  });

  test.each([
    ["+233200000001", "approval_rejected"],
    ["+233200000004", "not_enough_funds"],
    ["+233200000002", "expired"],
  ])("asked of %s fails: %s", async (phone, failureCode) => {
    const { order, payment } = await pay(phone);
    await eventually(() => world.payment(payment.id)).toMatchObject({
      status: PaymentStatus.FAILED,
      failureCode,
    });
    await eventually(() => world.types(order.id)).toEqual(["failed"]);
    expect(world.taken(order.id).times).toBe(0);
  });

  test.each(["3", "5", "6", "7", "8", "9"])(
    "comes to its end however the provider answers (…000%s)",
    async (digit) => {
      const { order, payment } = await pay(`+23320000000${digit}`);
      await eventually(() => world.status(payment.id)).toBe("SUCCEEDED");
      expect(world.taken(order.id).times).toBe(1);
      await eventually(() => world.types(order.id)).toEqual(["processed"]);
    },
  );

  test("is given back, in parts and with the order", async () => {
    const { order, payment } = await pay();
    await eventually(() => world.status(payment.id)).toBe("SUCCEEDED");
    expect(await world.refund(payment.id, 1005n, undefined, "GHS")).toMatchObject({
      status: RefundStatus.PENDING,
    });
    await eventually(() => world.status(payment.id)).toBe("PARTLY_REFUNDED");
    expect(world.taken(order.id).left).toBe(1045n);
    await eventually(() => world.close(order.id)).toBe(true);
    expect(world.taken(order.id).left).toBe(0n);
  });

  test("of an order that is closed meanwhile ends with what the owner does", async () => {
    const agreed = await pay("+233200000010");
    expect(await world.close(agreed.order.id)).toBe(false);
    world.sandbox.settle();
    const silent = await pay("+233200000002");
    await world.close(silent.order.id);
    await eventually(() => world.types(agreed.order.id)).toEqual(["processed", "refunded"]);
    await eventually(() => world.types(silent.order.id)).toEqual(["failed"]);
    expect(await world.close(agreed.order.id)).toBe(true);
    expect(await world.close(silent.order.id)).toBe(true);
    expect(world.taken(agreed.order.id).left).toBe(0n);
  });
});
