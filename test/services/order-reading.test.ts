import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OrderStatus, Part } from "#gen/order/v1/order_pb.js";
import { newId } from "#mesh";
import type { OrderWorld } from "./order-world.ts";
import {
  admin,
  createOrderWorld,
  eventually,
  newCustomer,
  refusal,
  service,
  userWith,
} from "./order-world.ts";

const lines: string[] = [];
let world: OrderWorld;
beforeAll(async () => {
  world = await createOrderWorld({ logs: { write: (line) => lines.push(line) } });
});
afterAll(() => world[Symbol.asyncDispose]());

const stranger = userWith("order:create", "order:read", "order:write");

describe("an order is seen", () => {
  test("by its customer, its seller, admins and the services that work with it, and by nobody else", async () => {
    const customer = newCustomer();
    const { id } = await world.create(customer);
    for (const user of [customer, world.seller, admin]) {
      expect((await world.orders(user).getOrder({ id })).order?.id).toBe(id);
    }
    for (const name of ["payment", "notification"]) {
      expect((await world.as(service(name)).getOrder({ id })).order?.id).toBe(id);
    }
    const none = { code: "NotFound", reason: "order_not_found" };
    expect(await refusal(world.orders(stranger).getOrder({ id }))).toMatchObject(none);
    expect(await refusal(world.as({ ...service("payment"), user: stranger }).getOrder({ id }))).toMatchObject(
      none,
    );
    expect(await refusal(world.orders(stranger).cancelOrder({ id }))).toMatchObject(none);
    const update = { id, status: OrderStatus.PROCESSING };
    expect(await refusal(world.orders(stranger).updateOrderStatus(update))).toMatchObject(none);
    expect(await refusal(world.orders(customer).getOrder({ id: newId() }))).toMatchObject(none);
    expect(await refusal(world.as(service("content")).getOrder({ id }))).toMatchObject({
      code: "PermissionDenied",
    });
    expect(await refusal(world.as({}).getOrder({ id }))).toMatchObject({ code: "Unauthenticated" });
  });

  test("by those alone in lists, newest first, page by page", async () => {
    const customer = newCustomer();
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.unshift((await world.create(customer)).id);
    await world.create(newCustomer());
    const list = async (token: string) =>
      await world.orders(customer).listOrders({ pageSize: 2, pageToken: token });
    const pages = [await list("")];
    while (pages.at(-1)!.nextPageToken) pages.push(await list(pages.at(-1)!.nextPageToken));
    expect(pages.map(({ orders }) => orders.map(({ id }) => id))).toEqual([
      ids.slice(0, 2),
      ids.slice(2, 4),
      ids.slice(4),
    ]);
    expect(pages[0]?.orders[0]).toMatchObject({ history: [], lines: [{ quantity: 2 }] });
    expect(await refusal(list("nonsense"))).toMatchObject({ reason: "bad_page_token" });
    expect((await world.orders(stranger).listOrders({})).orders).toEqual([]);
  });

  test("by sellers as theirs, and by admins all of them, filtered", async () => {
    const customer = newCustomer();
    const first = await world.create(customer);
    await world.orders(customer).cancelOrder({ id: first.id });
    const { id } = await world.create(customer);
    const idsOf = async (orders: ReturnType<OrderWorld["orders"]>, request: object) =>
      (await orders.listOrders(request)).orders.map((it) => it.id);

    expect(await idsOf(world.orders(world.seller), { as: Part.SELLER })).toContain(id);
    expect(await idsOf(world.orders(world.seller), {})).toEqual([]);
    expect(await idsOf(world.orders(stranger), { as: Part.SELLER })).toEqual([]);
    expect(await idsOf(world.orders(admin), {})).toContain(id);
    expect(await idsOf(world.orders(admin), { as: Part.CUSTOMER })).toEqual([]);
    const all = { customerId: customer.id.toUpperCase() };
    expect(await idsOf(world.orders(admin), all)).toEqual([id, first.id]);
    expect(await idsOf(world.orders(admin), { ...all, status: OrderStatus.CANCELLED })).toEqual([first.id]);
    expect(await idsOf(world.orders(customer), { status: OrderStatus.AWAITING_PAYMENT })).toEqual([id]);
    expect(await refusal(world.orders(stranger).listOrders({ customerId: customer.id }))).toMatchObject({
      code: "PermissionDenied",
      reason: "order_admin_only",
    });
  });

  test("by the time at which it was placed", async () => {
    const customer = newCustomer();
    const { id, createdAt } = await world.create(customer);
    const atMs = Number(createdAt!.seconds) * 1000 + createdAt!.nanos / 1e6;
    const list = async (more: object) =>
      (await world.orders(customer).listOrders(more)).orders.map((it) => it.id);
    expect(await list({ createdAfter: timestampFromMs(atMs - 1) })).toEqual([id]);
    expect(await list({ createdAfter: timestampFromMs(atMs) })).toEqual([]);
    expect(await list({ createdBefore: timestampFromMs(atMs + 1) })).toEqual([id]);
    expect(await list({ createdBefore: timestampFromMs(atMs) })).toEqual([]);
    for (const seconds of [253_402_300_800n, -62_135_596_801n, 9_000_000_000_000n]) {
      expect(await refusal(list({ createdAfter: { seconds, nanos: 0 } }))).toMatchObject({
        code: "InvalidArgument",
      });
    }
  });
});

describe("its seller", () => {
  test("says step by step how far it is, and each is told and kept", async () => {
    const { id } = await world.paid(newCustomer());
    const seller = world.orders(world.seller);
    await seller.updateOrderStatus({ id, status: OrderStatus.PROCESSING });
    await seller.updateOrderStatus({ id, status: OrderStatus.SHIPPED, note: "parcel 42" });
    const { order } = await world.orders(admin).updateOrderStatus({ id, status: OrderStatus.DELIVERED });
    expect(order?.history.slice(-3)).toMatchObject([
      { status: OrderStatus.PROCESSING, by: "seller", reason: "" },
      { status: OrderStatus.SHIPPED, by: "seller", reason: "parcel 42" },
      { status: OrderStatus.DELIVERED, by: "admin" },
    ]);
    const told = ["created", "AWAITING_PAYMENT", "PAID", "PROCESSING", "SHIPPED", "DELIVERED"];
    expect(await world.told(id)).toEqual(told);
  });

  test("says it twice without effect, and never goes back nor leaps", async () => {
    const { id } = await world.paid(newCustomer());
    const update = (status: OrderStatus) => world.orders(world.seller).updateOrderStatus({ id, status });
    const refused = { code: "FailedPrecondition", reason: "order_status_not_next" };
    expect(await refusal(update(OrderStatus.SHIPPED))).toMatchObject(refused);
    await update(OrderStatus.PROCESSING);
    expect((await update(OrderStatus.PROCESSING)).order?.history).toHaveLength(4);
    await update(OrderStatus.SHIPPED);
    expect(await refusal(update(OrderStatus.PROCESSING))).toMatchObject(refused);
    expect(await refusal(update(OrderStatus.PAID as never))).toMatchObject({ reason: "contract_violation" });
  });

  test("alone says it: not the customer, and not of an order that is not paid", async () => {
    const customer = { ...newCustomer(), permissions: ["order:create", "order:write"] };
    const { id } = await world.create(customer);
    const update = { id, status: OrderStatus.PROCESSING };
    expect(await refusal(world.orders(customer).updateOrderStatus(update))).toMatchObject({
      code: "PermissionDenied",
      reason: "order_seller_only",
    });
    expect(await refusal(world.orders(world.seller).updateOrderStatus(update))).toMatchObject({
      reason: "order_status_not_next",
    });
  });
});

describe("when an account is deleted", () => {
  test("what was personal in its orders is gone, and the orders stay", async () => {
    const customer = newCustomer();
    const delivery = { name: "Ama Mensah", lines: ["Main Street 1"], city: "Accra" };
    const order = await world.create(customer, { delivery, note: "the blue door" }, "key");
    await world.orders(customer).cancelOrder({ id: order.id, reason: "moved to Kumasi" });
    const other = await world.create(newCustomer(), { delivery });
    await world.removeAccount(customer.id);
    await eventually(async () => (await world.order(order.id)).note).toBe("");
    const left = await world.order(order.id);
    expect(left.delivery).toBeUndefined();
    expect(left.lines).toEqual(order.lines);
    expect(left.total).toEqual(order.total);
    expect(JSON.stringify(left.history, (_, it) => (typeof it === "bigint" ? `${it}` : it))).not.toContain(
      "Kumasi",
    );
    expect((await world.order(other.id)).delivery).toMatchObject(delivery);
    const rows = await world.sql`select orders::text as row from orders where id = ${order.id}`;
    expect(rows[0]?.row).not.toMatch(/Ama|Main Street|blue door/);
  });

  test("and at any time, nothing personal is in the log or in events", async () => {
    const delivery = {
      name: "Kofi Geheim",
      lines: ["Secret Lane 9"],
      city: "Tamale",
      phone: "+233200000009",
    };
    const customer = newCustomer();
    const order = await world.create(customer, { delivery, note: "hidden note" });
    await world.orders(customer).cancelOrder({ id: order.id, reason: "for a private reason" });
    await world.order(order.id);
    const personal = /Geheim|Secret Lane|Tamale|200000009|hidden note/;
    expect(lines.join("\n")).not.toMatch(personal);
    expect(lines.some((line) => line.includes("CreateOrder"))).toBe(true);
    const rows = await world.sql<{ data: Uint8Array }[]>`select data from weft_outbox`;
    const told = rows.map(({ data }) => Buffer.from(data).toString("latin1")).join("\n");
    expect(told).not.toMatch(personal);
    expect(told).not.toContain("private reason");
  });
});
