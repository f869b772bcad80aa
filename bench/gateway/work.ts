import { createItems, idOf, newItem } from "./items.ts";

/** One kind of request, and what it must be answered with. */
export interface Work {
  readonly name: string;
  readonly method: "GET" | "POST";
  /** Taken in turn. */
  readonly paths: readonly string[];
  /** JSON. */
  readonly body: string | undefined;
  /** The answer to the path of this index, without an envelope. */
  expected(index: number): unknown;
}

const prefix = "/api/v1/items";
const items = createItems(Number);
const listed = 100;

export const get: Work = {
  name: "get",
  method: "GET",
  paths: Array.from({ length: 64 }, (_, index) => `${prefix}/${idOf(index)}`),
  body: undefined,
  expected: (index) => items.get(idOf(index)),
};

export const post: Work = {
  name: "post-1KB",
  method: "POST",
  paths: [prefix],
  body: JSON.stringify(newItem),
  expected: () => items.create(newItem),
};

export const list: Work = {
  name: "list-100-items",
  method: "GET",
  paths: [`${prefix}?limit=${listed}`],
  body: undefined,
  expected: () => ({ items: items.list(listed) }),
};

export const works: readonly Work[] = [get, post, list];

export function workNamed(name: string): Work {
  const work = works.find((it) => it.name === name);
  if (!work) throw new Error(`there is no work "${name}"`);
  return work;
}
