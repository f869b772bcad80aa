import type { Sql } from "postgres";
import postgres from "postgres";
import type { Books, Charge } from "./audit.ts";
import type { Market } from "./market.ts";
import type { Shoppers } from "./shoppers.ts";

/** Reads what every service and every provider has noted, past all of them. */
export interface Bookkeeper extends AsyncDisposable {
  books(): Promise<Books>;
}

export function openBookkeeper({ postgres: server, sandbox }: Market, shoppers: Shoppers): Bookkeeper {
  const open = (service: string) =>
    postgres(Object.assign(new URL(server.url), { pathname: `/${service}_service` }).href, {
      max: 1,
      connect_timeout: 5,
      onnotice: () => {},
      types: { bigint: postgres.BigInt },
    });
  const [orders, payments, products] = [open("order"), open("payment"), open("product")];

  const charges = (): Charge[] => {
    const refunds = sandbox.refunds().filter(({ status }) => status === "succeeded");
    return sandbox
      .charges()
      .filter(({ status }) => status === "succeeded")
      .map((it) => {
        const back = refunds.filter(({ chargeId }) => chargeId === it.id);
        const refunded = back.reduce((sum, { amount }) => sum + minor(it.provider, amount), 0n);
        const { provider, paymentId, orderId } = it;
        return { provider, paymentId, orderId, amount: minor(provider, it.amount), refunded };
      });
  };
  return {
    async books() {
      return {
        wishes: shoppers.wishes(),
        orders: await orders<Books["orders"][number][]>`
          select id, idempotency_key as key, status, due <> '{}' as "isDue", coalesce(total, 0) - refunded as worth,
            array(select json_build_object('productId', product_id, 'quantity', quantity)
                  from order_lines where order_id = id) as lines
          from orders`,
        payments: await payments<Books["payments"][number][]>`
          select id, order_id as "orderId", state, refunded, refunding from payments`,
        charges: charges(),
        ledger: new Map(
          (
            await payments<{ account: string; sum: bigint }[]>`
              select account, sum(minor_units)::bigint as sum from ledger_entries group by account`
          ).map(({ account, sum }) => [account, sum]),
        ),
        stocks: await stocksOf(products, shoppers),
        outbox: (await Promise.all([orders, payments, products].map(waiting))).reduce((a, b) => a + b, 0),
      };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([orders, payments, products].map((sql) => sql.end({ timeout: 1 })));
    },
  };
}

async function stocksOf(sql: Sql<{ bigint: bigint }>, { goods }: Shoppers): Promise<Books["stocks"]> {
  const rows = await sql<{ productId: string; available: number; reserved: number; sold: number }[]>`
    select product_id as "productId", available::int as available, reserved::int as reserved,
      (sold - returned)::int as sold
    from stocks`;
  return rows.map((row) => ({ ...row, had: goods.find(({ id }) => id === row.productId)?.had ?? 0 }));
}

/** All is in dollars, which one provider counts in cents and the other writes with a point. */
function minor(provider: string, amount: string): bigint {
  if (provider === "stripe") return BigInt(amount);
  if (!/^\d+\.\d\d$/.test(amount)) throw new Error(`${amount} is no amount of dollars`);
  return BigInt(amount.replace(".", ""));
}

async function waiting(sql: Sql<{ bigint: bigint }>): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from weft_outbox where published_at is null`;
  return row?.count ?? 0;
}
