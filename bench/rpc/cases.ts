/** The work of `rpc`: one call after the other, in each lane. */
import type { WorkCase, WorkCases } from "../harness/orders.ts";
import type { BenchClient } from "./client.ts";
import { difference, messagesOf } from "./messages.ts";

const listed = 100;

const unary = (
  one: (client: BenchClient) => () => Promise<unknown>,
  check: (client: BenchClient) => Promise<void>,
): WorkCase<BenchClient> => ({
  check,
  work: (client) => {
    const call = one(client);
    return async (note) => {
      const began = performance.now();
      await call();
      note(began);
    };
  },
});

export const workCases: WorkCases<BenchClient> = {
  "echo-100B": unary(
    (client) => {
      const message = messagesOf(client.int64).item(1);
      return () => client.echo(message);
    },
    async (client) => {
      const messages = messagesOf(client.int64);
      for (const message of messages.items(5)) expectSame(message, await client.echo(message));
    },
  ),
  "get-1KB": unary(
    (client) => () => client.get("document-1"),
    async (client) => {
      const messages = messagesOf(client.int64);
      for (const id of ["a", "b"]) expectSame(messages.document(id), await client.get(id));
    },
  ),
  "list-100-items": unary(
    (client) => () => client.list(listed),
    async (client) => {
      const messages = messagesOf(client.int64);
      for (const count of [1, listed]) expectSame(messages.items(count), await client.list(count));
    },
  ),
};

export function expectSame(expected: unknown, actual: unknown): void {
  const found = difference(expected, actual);
  if (found) throw new Error(`it does not do the work: ${found}`);
}
