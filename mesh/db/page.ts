import { fail } from "../errors.ts";
import { uuidForm } from "../id.ts";

const defaultSize = 50;

/** How many rows a page has when the caller does not say. */
export const pageSize = (wanted: number): number => wanted || defaultSize;

/**
 * A page token holds the sort key of the last row, so that paging stays right
 * while rows come and go. It is opaque to callers but not secret: what it may
 * show is decided by the query, not by the token.
 */
export function encodePage(key: readonly string[]): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

/** How the parts of a sort key may look. Tokens come from outside: what is no uuid must not reach a cast to one. */
export const pagePart = {
  uuid: uuidForm,
  number: /^\d{1,18}$/,
  /** As `Date.toISOString` writes it; days that a month does not have are still to be refused. */
  time: /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
  // biome-ignore lint/suspicious/noControlCharactersInRegex: PostgreSQL takes any text without NUL.
  text: /^[^\u0000]*$/,
} as const;

/** The sort key in a page token, each part of its form; `undefined` for the first page. */
export function decodePage(token: string, forms: readonly RegExp[]): readonly string[] | undefined {
  if (token === "") return undefined;
  const key = partsOf(token);
  if (key?.length === forms.length && forms.every((form, index) => form.test(key[index] ?? ""))) return key;
  throw badPageToken();
}

export const badPageToken = (): Error =>
  fail.invalid("bad_page_token", "page_token is not one that this method gave out", {
    remedy: "leave it empty for the first page",
  });

function partsOf(token: string): string[] | undefined {
  try {
    const key: unknown = JSON.parse(Buffer.from(token, "base64url").toString());
    return Array.isArray(key) && key.every((it) => typeof it === "string") ? key : undefined;
  } catch {
    // Not JSON: not ours either.
    return undefined;
  }
}

/** A list's answer must fit into one message, with room for what stands around it. */
const mostPageBytes = 2 * 1024 * 1024;

/**
 * As many of a page's messages as fit into an answer, one at least; the token
 * goes on behind them.
 */
export function fitting<T, M extends object>(
  page: { rows: readonly T[]; nextPageToken: string },
  toMessage: (row: T) => M,
  keyOf: (row: T) => readonly string[],
): { messages: M[]; nextPageToken: string } {
  const messages: M[] = [];
  let left = mostPageBytes;
  let last: T | undefined;
  for (const row of page.rows) {
    const message = toMessage(row);
    left -= sizeOf(message);
    if (left < 0 && last !== undefined) return { messages, nextPageToken: encodePage(keyOf(last)) };
    messages.push(message);
    last = row;
  }
  return { messages, nextPageToken: page.nextPageToken };
}

/** About as much as it takes on the way, at most. */
const sizeOf = (message: object): number =>
  Buffer.byteLength(JSON.stringify(message, (_, value) => (typeof value === "bigint" ? `${value}` : value)));

/**
 * Cuts the one row too many that tells whether there is a next page. Ask the
 * database for `size + 1` rows.
 */
export function paged<T>(
  rows: readonly T[],
  size: number,
  keyOf: (row: T) => readonly string[],
): { rows: readonly T[]; nextPageToken: string } {
  const page = rows.slice(0, size);
  const last = page.at(-1);
  return {
    rows: page,
    nextPageToken: rows.length > size && last !== undefined ? encodePage(keyOf(last)) : "",
  };
}
