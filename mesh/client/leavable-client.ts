import type { DescService } from "@bufbuild/protobuf";
import type { CallOptions, Client, Transport } from "@connectrpc/connect";
import { Code, ConnectError, createClient } from "@connectrpc/connect";

type StreamingCall = (input: unknown, options?: CallOptions) => AsyncIterable<unknown>;

/**
 * The stock client, but a caller who leaves the answers of a stream early (by
 * `break`, `return` or an error in its loop) cancels the call. The stock one
 * leaves it running: it does not hand `return` on.
 */
export function createLeavableClient<S extends DescService>(contract: S, transport: Transport): Client<S> {
  const client = createClient(contract, transport);
  const methods = client as Record<string, StreamingCall>;
  for (const { localName, methodKind } of contract.methods) {
    const call = methods[localName];
    if (!call || methodKind === "unary" || methodKind === "client_streaming") continue;
    methods[localName] = (input, options) => leavable(call, input, options);
  }
  return client;
}

function leavable(call: StreamingCall, input: unknown, options: CallOptions = {}): AsyncIterable<unknown> {
  const left = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal;
  const answers = call(input, { ...options, signal });
  return {
    [Symbol.asyncIterator]() {
      const iterator = answers[Symbol.asyncIterator]();
      return {
        next: () => iterator.next(),
        return: async () => {
          left.abort(new ConnectError("nobody reads the answers any more", Code.Canceled));
          return { done: true, value: undefined };
        },
      };
    },
  };
}
