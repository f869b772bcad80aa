import type { Query } from "#mesh";
import { badPageToken, decodePage, paged, pagePart } from "#mesh";
import { type AccountRow, accountColumns, searchForm } from "./accounts-store.ts";
import { requireText } from "./text.ts";

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
  const keyForm = order.by === "email_key" ? pagePart.text : pagePart.time;
  const [name, key = "", id = ""] = decodePage(token, [pagePart.text, keyForm, pagePart.uuid]) ?? [];
  if (name === undefined) return undefined;
  const isDay = order.by === "email_key" || isRealTime(key);
  if (name !== nameOf(order) || !isDay) throw badPageToken();
  return { key, id };
}

/** JavaScript takes 30 February for 2 March, PostgreSQL for a mistake. */
function isRealTime(text: string): boolean {
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.toISOString() === text;
}
