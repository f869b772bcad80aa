import type { Query } from "#mesh";
import { decodePage, fail, paged } from "#mesh";
import { type AccountRow, accountColumns, searchForm } from "./accounts-store.ts";
import { requireText } from "./text.ts";
import { isUuid } from "./uuid.ts";

/** One of the orders that the contract allows. */
interface Order {
  readonly by: "created_at" | "email_key";
  readonly descending: boolean;
}

const newestFirst: Order = { by: "created_at", descending: true };

const orders: Readonly<Record<string, Order>> = {
  "": newestFirst,
  "created_at desc": newestFirst,
  created_at: { by: "created_at", descending: false },
  email: { by: "email_key", descending: false },
  "email desc": { by: "email_key", descending: true },
};

export interface UserPageRequest {
  readonly orderBy: string;
  readonly query: string;
  readonly size: number;
  readonly token: string;
}

/** One page of accounts, with the id as the tie-breaker of equal keys. */
export async function pageOfUsers(query: Query, request: UserPageRequest) {
  const order = orders[request.orderBy] ?? newestFirst;
  const after = placeOf(request.token, order);
  const key = query(order.by);
  const beyond = order.descending ? query`<` : query`>`;
  const direction = order.descending ? query`desc` : query`asc`;
  const rows = await query<AccountRow[]>`
    select ${accountColumns(query)} from accounts
    where ${matching(query, request.query)}
    ${after ? query`and (${key}, id) ${beyond} (${typed(query, order, after.key)}, ${after.id}::uuid)` : query``}
    order by ${key} ${direction}, id ${direction}
    limit ${request.size + 1}`;
  return paged(rows, request.size, (row) => [nameOf(order), keyOf(order, row), row.id]);
}

/** The text is looked for as it is: `%`, `_` and the escape itself mean nothing special. */
function matching(query: Query, wanted: string) {
  const text = requireText("query", wanted).trim();
  if (!text) return query`true`;
  const pattern = `%${searchForm(text).replace(/[\\%_]/g, "\\$&")}%`;
  return query`search_text like ${pattern}`;
}

const nameOf = ({ by, descending }: Order) => (descending ? `${by} desc` : by);

const keyOf = ({ by }: Order, row: AccountRow) =>
  by === "email_key" ? row.emailKey : row.createdAt.toISOString();

const typed = (query: Query, { by }: Order, key: string) =>
  by === "email_key" ? query`${key}::text` : query`${key}::timestamptz`;

/** The row after which the page begins. Tokens come from outside, so nothing in them is believed. */
function placeOf(token: string, order: Order): { key: string; id: string } | undefined {
  const [name, key = "", id = ""] = decodePage(token, 3) ?? [];
  if (name === undefined) return undefined;
  const keyIsGood = order.by === "email_key" ? !key.includes("\0") : !Number.isNaN(Date.parse(key));
  if (name === nameOf(order) && keyIsGood && isUuid(id)) return { key, id };
  throw fail.invalid("bad_page_token", "page_token is not one that this method gave out for this order_by", {
    remedy: "leave it empty for the first page",
  });
}
