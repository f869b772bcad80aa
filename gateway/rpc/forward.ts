import type { DescMethod, DescService, Message } from "@bufbuild/protobuf";
import type { CallOptions } from "@connectrpc/connect";
import { ConnectError } from "@connectrpc/connect";
import type { Implementation } from "#mesh";
import type { Call } from "#mesh/call/call.ts";
import type { Network } from "#mesh/client/network.ts";
import { publicError } from "../edge/status.ts";

export interface ForwardOptions {
  readonly contract: DescService;
  /** The process that answers. */
  readonly service: string;
  readonly network: Network;
  /** Gives the metadata that goes on with a call. */
  readonly enter: (call: Call) => Headers;
  /** Sets what goes out in headers of the answer. */
  readonly leave: (call: Call, header: Headers) => void;
}

type Method = (input: unknown, options: CallOptions) => unknown;

/** Answers a contract by calling whoever serves it: as the caller's own calls, under the mesh's rules. */
export function forward({ contract, service, network, enter, leave }: ForwardOptions): Implementation {
  const client = network.client(contract) as unknown as Readonly<Record<string, Method>>;
  const optionsFor = (call: Call): CallOptions => ({
    headers: enter(call),
    onHeader: (header) => leave(call, header),
  });

  const single = (method: DescMethod) => async (input: unknown, call: Call) => {
    try {
      return await client[method.localName]?.(input, optionsFor(call));
    } catch (thrown) {
      throw publicError(ConnectError.from(thrown), service);
    }
  };
  const stream = (method: DescMethod) =>
    async function* (input: unknown, call: Call) {
      try {
        const given = { ...optionsFor(call), signal: call.signal };
        yield* client[method.localName]?.(input, given) as AsyncIterable<Message>;
      } catch (thrown) {
        throw publicError(ConnectError.from(thrown), service);
      }
    };

  const handlers = contract.methods.map((method) => {
    const streamsOut = method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming";
    return [method.localName, streamsOut ? stream(method) : single(method)] as const;
  });
  return { contract, handlers: Object.fromEntries(handlers) as unknown as Implementation["handlers"] };
}
