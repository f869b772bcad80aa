import { fail } from "../errors.ts";

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

/** The sort key in a page token; `undefined` for the first page. */
export function decodePage(token: string, parts: number): readonly string[] | undefined {
  if (token === "") return undefined;
  try {
    const key: unknown = JSON.parse(Buffer.from(token, "base64url").toString());
    if (Array.isArray(key) && key.length === parts && key.every((it) => typeof it === "string")) return key;
  } catch {
    // Not JSON: the same answer as for a wrong shape.
  }
  throw fail.invalid("bad_page_token", "page_token is not one that this method gave out", {
    remedy: "leave it empty for the first page",
  });
}

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
