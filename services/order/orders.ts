import type { ListOrdersRequest, OrderService } from "#gen/order/v1/order_pb.js";
import { Part } from "#gen/order/v1/order_pb.js";
import type { Call, Database, Handlers, UserIdentity } from "#mesh";
import {
  asService,
  canonicalId,
  cleanText,
  decodePage,
  fitting,
  paged,
  pagePart,
  pageSize,
  requireUser,
  timeOf,
} from "#mesh";
import type { Creation } from "./creation.ts";
import { historyOf } from "./history-store.ts";
import type { LineRow } from "./lines-store.ts";
import { linesOf } from "./lines-store.ts";
import { isNextForSeller } from "./order-machine.ts";
import type { OrderRow } from "./orders-store.ts";
import { findOrder, listOrders } from "./orders-store.ts";
import { isAdmin, maySee, maySell, partOf } from "./parts.ts";
import { statusOf, toOrder } from "./present.ts";
import type { Recorder } from "./record.ts";
import { stateOf } from "./record.ts";
import { adminsOnly, noOrder, notCancellable, notNext, sellersOnly, stockNotSettled } from "./refusals.ts";
import type { StepRunner } from "./step-runner.ts";

export interface OrdersOptions {
  db: Database;
  create: Creation;
  record: Recorder;
  runner: StepRunner;
}

export function orders({ db, create, record, runner }: OrdersOptions): Handlers<typeof OrderService> {
  const shown = async (row: OrderRow) => {
    const [lines, history] = await Promise.all([linesOf(db.sql, [row.id]), historyOf(db.sql, row.id)]);
    return { order: toOrder(row, lines, history) };
  };

  const visible = async (id: string, call: Call): Promise<OrderRow> => {
    const row = await findOrder(db.sql, canonicalId(id));
    if (!row || !maySee(row, call)) throw noOrder();
    return row;
  };

  const goOn = (id: string, call: Call) => asService(call, () => runner.tryNow(id, call.signal));

  return {
    async createOrder(request, call) {
      return shown(await create(request, call));
    },

    async getOrder({ id }, call) {
      return shown(await visible(id, call));
    },

    async listOrders(request, call) {
      const size = pageSize(request.pageSize);
      const filter = { ...whose(request, requireUser(call)), ...which(request) };
      const page = paged(await listOrders(db.sql, { ...filter, limit: size + 1 }), size, ({ id }) => [id]);
      const lines = Map.groupBy(
        await linesOf(
          db.sql,
          page.rows.map(({ id }) => id),
        ),
        (line: LineRow) => line.orderId,
      );
      const keyOf = ({ id }: OrderRow) => [id];
      const { messages, nextPageToken } = fitting(
        page,
        (row) => toOrder(row, lines.get(row.id) ?? []),
        keyOf,
      );
      return { orders: messages, nextPageToken };
    },

    async cancelOrder({ id, reason }, call) {
      const by = partOf(await visible(id, call), requireUser(call));
      if (!by) throw noOrder();
      const recorded = await db.transaction((tx) =>
        record(tx, canonicalId(id), { kind: "cancel", by }, { said: cleanText(reason), goesOn: true }),
      );
      if (!recorded) throw noOrder();
      const { row, changed } = recorded;
      if (changed) return shown(await asService(call, () => runner.run(row, call.signal)));
      if (row.status !== "cancelling" && row.status !== "cancelled") throw notCancellable(row.status);
      return shown(await goOn(row.id, call));
    },

    async updateOrderStatus({ id, status, note }, call) {
      const user = requireUser(call);
      const seen = await visible(id, call);
      if (!maySell(seen, user)) throw sellersOnly();
      const to = statusOf(status);
      if (!to) throw notNext(seen.status, seen.status);
      // A crash may have left it to be booked as sold: that comes before the seller's part.
      if (seen.status === "paid" && seen.due.length > 0) await goOn(seen.id, call);
      const by = seen.sellerId === user.id ? "seller" : "admin";
      const recorded = await db.transaction((tx) =>
        record(tx, seen.id, { kind: "advance", to, by }, { said: cleanText(note) }),
      );
      if (!recorded) throw noOrder();
      const { row, changed } = recorded;
      if (!changed && row.status !== to) {
        const settled = { ...stateOf(row, []), due: [] };
        throw isNextForSeller(settled, to) ? stockNotSettled() : notNext(row.status, to);
      }
      return shown(row);
    },
  };
}

/** Whose orders are listed: one's own, unless one may see all. */
function whose(
  { as, customerId }: ListOrdersRequest,
  user: UserIdentity,
): { customerId: string | undefined; sellerId: string | undefined } {
  const wanted = customerId === "" ? undefined : canonicalId(customerId);
  if (wanted !== undefined && wanted !== user.id && !isAdmin(user)) throw adminsOnly();
  switch (as) {
    case Part.SELLER:
      return { sellerId: user.id, customerId: wanted };
    case Part.CUSTOMER:
      return { sellerId: undefined, customerId: user.id };
    case Part.UNSPECIFIED:
      return { sellerId: undefined, customerId: wanted ?? (isAdmin(user) ? undefined : user.id) };
  }
}

function which({ status, createdAfter, createdBefore, pageToken }: ListOrdersRequest) {
  return {
    status: statusOf(status),
    createdAfter: timeOf("created_after", createdAfter),
    createdBefore: timeOf("created_before", createdBefore),
    beforeId: decodePage(pageToken, [pagePart.uuid])?.[0],
  };
}
