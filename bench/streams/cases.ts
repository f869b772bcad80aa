/** The work of `streams`: messages one after the other, in each stream. */
import type { WorkCases } from "../harness/orders.ts";
import { expectSame } from "../rpc/cases.ts";
import type { BenchClient, BenchStreams } from "../rpc/client.ts";
import { messagesOf } from "../rpc/messages.ts";

/** Enough that opening the stream does not count, few enough that a slow one ends soon. */
const messagesPerStream = 500;
const roundTripsPerStream = 200;

export const workCases: WorkCases<BenchClient> = {
  "server-stream": {
    check: async (client) => {
      const received: unknown[] = [];
      for await (const item of streamsOf(client).generate(10)) received.push(item);
      expectSame(Array(10).fill(messagesOf(client.int64).item(1)), received);
    },
    work: (client) => async (note) => {
      for await (const _ of streamsOf(client).generate(messagesPerStream)) note(Number.NaN);
    },
  },
  "client-stream": {
    check: async (client) =>
      expectSame(10, await streamsOf(client).collect(messagesOf(client.int64).items(10))),
    work: (client) => {
      const item = messagesOf(client.int64).item(1);
      return async (note) => {
        const sent = function* () {
          for (let left = messagesPerStream; left > 0; left--) {
            note(Number.NaN);
            yield item;
          }
        };
        expectSame(messagesPerStream, await streamsOf(client).collect(sent()));
      };
    },
  },
  "bidi-ping-pong": {
    check: async (client) => {
      const chat = streamsOf(client).chat();
      for (const item of messagesOf(client.int64).items(5)) expectSame(item, await chat.say(item));
      await chat.end();
    },
    work: (client) => {
      const item = messagesOf(client.int64).item(1);
      return async (note) => {
        const chat = streamsOf(client).chat();
        for (let left = roundTripsPerStream; left > 0; left--) {
          const began = performance.now();
          await chat.say(item);
          note(began);
        }
        await chat.end();
      };
    },
  },
};

function streamsOf({ streams }: BenchClient): BenchStreams {
  if (!streams) throw new Error("this peer has no streams");
  return streams;
}
