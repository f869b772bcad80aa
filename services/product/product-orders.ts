import type { Query } from "#mesh";
import { badPageToken, decodePage, pagePart } from "#mesh";
import type { ProductRow } from "./products-store.ts";

export interface ListedRow extends ProductRow {
  /** How well it fits what was searched for; 0 when nothing was. */
  readonly rank: number;
}

/** A piece of a statement. */
const everything = (query: Query) => query`true`;
type Fragment = ReturnType<typeof everything>;

/** A part of what a list goes by. */
interface Key {
  readonly form: RegExp;
  column(query: Query, rank: Fragment): Fragment;
  typed(query: Query, text: string): Fragment;
  of(row: ListedRow): string;
  /** What has the form and is nothing all the same. */
  isReal?(text: string): boolean;
}

export interface Order {
  readonly name: string;
  readonly descending: boolean;
  readonly keys: readonly Key[];
}

const createdAt: Key = {
  form: pagePart.time,
  column: (query) => query`p.created_at`,
  typed: (query, text) => query`${text}::timestamptz`,
  of: (row) => row.createdAt.toISOString(),
  // JavaScript takes 30 February for 2 March, PostgreSQL for a mistake.
  isReal: (text) => !Number.isNaN(Date.parse(text)) && new Date(text).toISOString() === text,
};
const currency: Key = {
  form: /^[A-Z]{3}$/,
  column: (query) => query`p.currency`,
  typed: (query, text) => query`${text}::text`,
  of: (row) => row.currency,
};
const price: Key = {
  form: pagePart.number,
  column: (query) => query`p.lowest_price`,
  typed: (query, text) => query`${text}::bigint`,
  of: (row) => row.lowestPrice.toString(),
};
const name: Key = {
  form: pagePart.text,
  column: (query) => query`p.name_key`,
  typed: (query, text) => query`${text}::text`,
  of: (row) => row.nameKey,
};
const relevance: Key = {
  form: /^\d{1,9}(\.\d{1,30})?(e-\d{1,2})?$/,
  column: (_query, rank) => rank,
  typed: (query, text) => query`${Number(text)}::float8`,
  of: (row) => String(row.rank),
};

const newestFirst: Order = { name: "created_at desc", descending: true, keys: [createdAt] };

/** Those that the contract allows. Prices of several currencies cannot be compared: one comes after the other. */
const orders: Readonly<Record<string, Order>> = {
  "": newestFirst,
  "created_at desc": newestFirst,
  created_at: { name: "created_at", descending: false, keys: [createdAt] },
  price: { name: "price", descending: false, keys: [currency, price] },
  "price desc": { name: "price desc", descending: true, keys: [currency, price] },
  name: { name: "name", descending: false, keys: [name] },
  relevance: { name: "relevance", descending: true, keys: [relevance] },
};

export const orderOf = (orderBy: string): Order => orders[orderBy] ?? newestFirst;

/** What a row is beyond, for the page that follows it. */
export const pageKeyOf = (order: Order, row: ListedRow): readonly string[] => [
  order.name,
  ...order.keys.map((key) => key.of(row)),
  row.id,
];

/** What stands behind the row of the token; everything on the first page. */
export function beyond(query: Query, order: Order, rank: Fragment, token: string): Fragment {
  const forms = [pagePart.text, ...order.keys.map(({ form }) => form), pagePart.uuid];
  const place = decodePage(token, forms);
  if (!place) return everything(query);
  const [orderName, ...texts] = place;
  const id = texts.pop() ?? "";
  const isReal = order.keys.every((key, index) => key.isReal?.(texts[index] ?? "") ?? true);
  if (orderName !== order.name || !isReal) throw badPageToken();
  const columns = list(query, [...order.keys.map((key) => key.column(query, rank)), query`p.id`]);
  const values = list(query, [
    ...order.keys.map((key, index) => key.typed(query, texts[index] ?? "")),
    query`${id}::uuid`,
  ]);
  return order.descending ? query`(${columns}) < (${values})` : query`(${columns}) > (${values})`;
}

export function sorting(query: Query, order: Order, rank: Fragment): Fragment {
  const direction = order.descending ? query`desc` : query`asc`;
  const columns = [...order.keys.map((key) => key.column(query, rank)), query`p.id`];
  return list(
    query,
    columns.map((column) => query`${column} ${direction}`),
  );
}

function list(query: Query, parts: readonly Fragment[]): Fragment {
  return parts.reduce((all, part) => query`${all}, ${part}`);
}
