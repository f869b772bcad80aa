import type {
  DescMethodStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { Call } from "./call/call.ts";

/** Answers every method of a contract with plain async functions. */
export type Handlers<S extends DescService> = {
  [K in keyof S["method"]]: Handler<S["method"][K]>;
};

type Handler<M> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>, call: Call) => Promise<MessageInitShape<O>> | MessageInitShape<O>
    : M extends DescMethodStreaming<infer I, infer O>
      ? M["methodKind"] extends "server_streaming"
        ? (request: MessageShape<I>, call: Call) => AsyncIterable<MessageInitShape<O>>
        : M["methodKind"] extends "client_streaming"
          ? (requests: AsyncIterable<MessageShape<I>>, call: Call) => Promise<MessageInitShape<O>>
          : (requests: AsyncIterable<MessageShape<I>>, call: Call) => AsyncIterable<MessageInitShape<O>>
      : never;

/** A contract together with the functions that answer it. */
export interface Implementation<S extends DescService = DescService> {
  readonly contract: S;
  readonly handlers: Handlers<S>;
}

/** Binds handlers to their contract; a missing method does not compile. */
export function handlers<S extends DescService>(contract: S, answers: Handlers<S>): Implementation {
  return { contract, handlers: answers as unknown as Handlers<DescService> };
}
