/** int64 as a codec holds it. */
export type Int64 = number | bigint;

export interface Item<N extends Int64 = Int64> {
  readonly id: string;
  readonly text: string;
  readonly number: N;
  readonly ratio: number;
  readonly flag: boolean;
  readonly tags: string[];
}

/** What is sent to make an item: about 1 KB. */
export interface NewItem<N extends Int64 = Int64> {
  readonly title: string;
  readonly body: string;
  readonly size: N;
  readonly score: number;
  readonly published: boolean;
  readonly tags: string[];
}

export interface CreatedItem<N extends Int64 = Int64> extends NewItem<N> {
  readonly id: string;
}

/** What every backend answers, from memory. */
export interface Items<N extends Int64 = Int64> {
  get(id: string): Item<N>;
  create(item: NewItem<N>): CreatedItem<N>;
  list(limit: number): Item<N>[];
}

const known = 1000;
const sentence = "the quick brown fox jumps over the lazy dog";

export const idOf = (index: number): string => `item-${index % known}`;

/** `int64` is how the backend's codec wants such a number. */
export function createItems<N extends Int64>(int64: (value: number) => N): Items<N> {
  const all = Array.from(
    { length: known },
    (_, index): Item<N> => ({
      id: idOf(index),
      text: sentence.slice(0, 19),
      number: int64(1_700_000_000_000 + index),
      ratio: 0.125 + index,
      flag: index % 2 === 0,
      tags: ["measure", `tag-${index}`],
    }),
  );
  const byId = new Map(all.map((item) => [item.id, item]));
  return {
    get: (id) => byId.get(id) ?? unknown(id),
    create: ({ title, body, size, score, published, tags }) => ({
      id: "item-new",
      title,
      body,
      size,
      score,
      published,
      tags,
    }),
    list: (limit) => all.slice(0, limit),
  };
}

/** No gateway is asked for one: it would be a fault of the benchmark. */
function unknown(id: string): never {
  throw new Error(`there is no item "${id}"`);
}

export const newItem: NewItem<number> = {
  title: "What an item of a thousand bytes is called",
  body: `${sentence} and naps. `.repeat(16),
  size: 1_000_000_007,
  score: 4.75,
  published: true,
  tags: ["news", "long-read", "weekend"],
};
