/** int64 as a codec holds it. */
export type Int64 = number | bigint;

export interface Item<N extends Int64 = Int64> {
  readonly text: string;
  readonly number: N;
  readonly ratio: number;
  readonly flag: boolean;
  readonly tags: string[];
}

export interface Document<N extends Int64 = Int64> {
  readonly id: string;
  readonly title: string;
  readonly body: string;
  readonly size: N;
  readonly score: number;
  readonly published: boolean;
  readonly tags: string[];
}

/** What everybody sends and answers, alike but for how their codec holds int64. */
export interface Messages<N extends Int64 = Int64> {
  /** About 100 bytes, different for each number. */
  item(index: number): Item<N>;
  /** About 1 KB. */
  document(id: string): Document<N>;
  items(count: number): Item<N>[];
}

export type ToInt64<N extends Int64> = (value: number) => N;

const sentence = "the quick brown fox jumps over the lazy dog and naps ";
const body = sentence.repeat(17);

export function messagesOf<N extends Int64>(int64: ToInt64<N>): Messages<N> {
  const item = (index: number): Item<N> => ({
    text: `${sentence.slice(0, 44)} ${index}`,
    number: int64(1_700_000_000_000 + index),
    ratio: 0.125 + index,
    flag: index % 2 === 0,
    tags: ["measure", "compare", `tag-${index}`],
  });
  return {
    item,
    items: (count) => Array.from({ length: count }, (_, index) => item(index)),
    document: (id) => ({
      id,
      title: "What a document of a thousand bytes is called",
      body,
      size: int64(1_000_000_007),
      score: 4.75,
      published: true,
      tags: ["news", "long-read", "weekend"],
    }),
  };
}

/** Where an answer differs from what was expected, or nothing; what codecs add of their own is passed over. */
export function difference(expected: unknown, actual: unknown, path = "answer"): string | undefined {
  if (typeof expected === "object" && expected !== null) {
    if (typeof actual !== "object" || actual === null) return `${path} is ${String(actual)}`;
    if (Array.isArray(expected) && (!Array.isArray(actual) || expected.length !== actual.length)) {
      return `${path} is not a list of ${expected.length}`;
    }
    for (const [key, value] of Object.entries(expected)) {
      const found = difference(value, (actual as Record<string, unknown>)[key], `${path}.${key}`);
      if (found) return found;
    }
    return undefined;
  }
  const same = isInt64(expected) && isInt64(actual) ? sameNumber(expected, actual) : expected === actual;
  return same ? undefined : `${path} is ${String(actual)}, not ${String(expected)}`;
}

const isInt64 = (value: unknown): value is Int64 => typeof value === "number" || typeof value === "bigint";

/** Across the two types, as `==` does. */
const sameNumber = (a: Int64, b: Int64) =>
  typeof a === typeof b ? a === b : Number.isInteger(Number(a)) && BigInt(a) === BigInt(b);
