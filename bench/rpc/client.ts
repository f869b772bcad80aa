import type { Document, Int64, Item, ToInt64 } from "./messages.ts";

/** What each peer's client makes of the contract: plain objects in, plain objects out, as its users write it. */
export interface BenchClient<N extends Int64 = Int64> {
  readonly int64: ToInt64<N>;
  echo(message: Item<N>): Promise<Item<N>>;
  get(id: string): Promise<Document<N>>;
  list(limit: number): Promise<Item<N>[]>;
  /** Not all peers have streams. */
  readonly streams?: BenchStreams<N>;
}

export interface BenchStreams<N extends Int64 = Int64> {
  /** Asks for so many items. */
  generate(count: number): AsyncIterable<Item<N>>;
  /** Sends items as fast as they are taken; gives how many the server counted. */
  collect(items: Iterable<Item<N>>): Promise<number>;
  /** A conversation in which each answer is waited for. */
  chat(): Conversation<N>;
}

export interface Conversation<N extends Int64 = Int64> {
  say(item: Item<N>): Promise<Item<N>>;
  end(): Promise<void>;
}
