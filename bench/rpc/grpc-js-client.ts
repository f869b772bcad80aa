import type {
  ClientDuplexStream,
  ClientReadableStream,
  ClientWritableStream,
  ServiceError,
} from "@grpc/grpc-js";
import { credentials } from "@grpc/grpc-js";
import type { BenchClient, Conversation } from "./client.ts";
import { grpcBench } from "./grpc-js-contract.ts";
import type { Document, Item } from "./messages.ts";

type Callback<T> = (error: ServiceError | null, answer: T) => void;

/** What proto-loader makes of the contract when it runs; it has no types of its own. */
interface Raw {
  echo(message: Item<number>, done: Callback<Item<number>>): void;
  get(message: { id: string }, done: Callback<Document<number>>): void;
  list(message: { limit: number }, done: Callback<{ items: Item<number>[] }>): void;
  generate(message: { count: number }): ClientReadableStream<{ item: Item<number> }>;
  collect(done: Callback<{ count: number }>): ClientWritableStream<{ item: Item<number> }>;
  chat(): ClientDuplexStream<{ item: Item<number> }, { item: Item<number> }>;
}

export async function startClient(address: string): Promise<BenchClient<number>> {
  const raw = new (grpcBench())(address, credentials.createInsecure()) as unknown as Raw;
  const settle =
    <T>(resolve: (value: T) => void, reject: (error: Error) => void): Callback<T> =>
    (error, answer) =>
      error ? reject(error) : resolve(answer);
  return {
    int64: Number,
    echo: (message) => new Promise((resolve, reject) => raw.echo(message, settle(resolve, reject))),
    get: (id) => new Promise((resolve, reject) => raw.get({ id }, settle(resolve, reject))),
    list: (limit) =>
      new Promise((resolve, reject) =>
        raw.list(
          { limit },
          settle((answer: { items: Item<number>[] }) => resolve(answer.items), reject),
        ),
      ),
    streams: {
      async *generate(count) {
        for await (const { item } of raw.generate({ count }) as AsyncIterable<{ item: Item<number> }>)
          yield item;
      },
      collect: (items) => collect(raw, items),
      chat: () => converse(raw.chat()),
    },
  };
}

function collect(raw: Raw, items: Iterable<Item<number>>): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = raw.collect((error, answer) => (error ? reject(error) : resolve(answer.count)));
    const iterator = items[Symbol.iterator]();
    const more = () => {
      for (;;) {
        const next = iterator.next();
        if (next.done) break;
        if (!stream.write({ item: next.value })) {
          stream.once("drain", more);
          return;
        }
      }
      stream.end();
    };
    more();
  });
}

function converse(stream: ReturnType<Raw["chat"]>): Conversation<number> {
  let waiting: PromiseWithResolvers<Item<number>> | undefined;
  const ended = Promise.withResolvers<void>();
  // Who waits for an answer hears of it there.
  ended.promise.catch(() => {});
  stream.on("data", ({ item }: { item: Item<number> }) => waiting?.resolve(item));
  stream.on("end", () => ended.resolve());
  stream.on("error", (error) => {
    waiting?.reject(error);
    ended.reject(error);
  });
  return {
    say(item) {
      waiting = Promise.withResolvers();
      stream.write({ item });
      return waiting.promise;
    },
    end() {
      stream.end();
      return ended.promise;
    },
  };
}
