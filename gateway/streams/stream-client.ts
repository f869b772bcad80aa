import type { DescService, Message } from "@bufbuild/protobuf";
import type { CallOptions } from "@connectrpc/connect";
import { runInCall } from "#mesh/call/call.ts";
import type { LiveCall } from "#mesh/call/live-call.ts";
import type { Fields } from "#mesh/call/metadata.ts";
import { fieldsOf, headersOf } from "#mesh/call/metadata.ts";
import type { Network } from "#mesh/client/network.ts";
import { fail } from "#mesh/errors.ts";
import { untilEnded } from "#mesh/rpc/perform.ts";
import type { Exchange } from "../edge/exchange.ts";
import { inwardFields } from "../edge/passed-headers.ts";
import type { EdgeRoute } from "../edge/route.ts";
import { shownCredentials } from "../rpc/shown-credentials.ts";

type Method = (input: unknown, options: CallOptions) => unknown;
type Methods = Readonly<Record<string, Method>>;

/** What a callee answers, message by message. */
export class Answers {
  /** Metadata that came before the messages, once it is there. */
  header: Fields = undefined;
  readonly #call: LiveCall;
  #iterator: AsyncIterator<Message> | undefined = undefined;

  constructor(call: LiveCall) {
    this.#call = call;
  }

  begin(answers: AsyncIterable<Message>): void {
    this.#iterator = answers[Symbol.asyncIterator]();
  }

  /** The next message, or why there is none; no longer than the call lasts. */
  next(): Promise<IteratorResult<Message, undefined>> {
    const iterator = this.#iterator;
    if (!iterator) throw fail.internal("no_call", "the call has not begun");
    return untilEnded(this.#call, () => iterator.next());
  }

  /** Nobody reads on: the call ends at the callee too. */
  leave(): void {
    // What its end throws has nobody to be told.
    void this.#iterator?.return?.().catch(() => {});
  }
}

/** Makes the calls that stream, as part of the call that is answered here. */
export interface StreamClient {
  /** `failed` ends the call early, when the request is not what it should be. */
  answers(
    exchange: Exchange,
    route: EdgeRoute,
    call: LiveCall,
    input: unknown,
    failed: AbortSignal | undefined,
  ): Answers;
  single(
    exchange: Exchange,
    route: EdgeRoute,
    call: LiveCall,
    input: unknown,
    failed: AbortSignal | undefined,
  ): Promise<{ readonly header: Fields; readonly message: Message }>;
}

export function createStreamClient(network: Pick<Network, "client">): StreamClient {
  const own = remember((contract) => network.client(contract) as unknown as Methods);
  const shown = remember((contract) => network.client(contract, shownCredentials) as unknown as Methods);
  const methodOf = ({ method: { desc }, forServices }: EdgeRoute): Method => {
    // Where only services may call, the gateway lends nobody its own name.
    const method = (forServices ? shown : own)(desc.parent)[desc.localName];
    if (!method) throw fail.internal("no_method", `${desc.name} is not among the methods`);
    return method;
  };
  return {
    answers(exchange, route, call, input, failed) {
      const answers = new Answers(call);
      const method = methodOf(route);
      const options = optionsFor(exchange, route, call, failed, (header) => {
        answers.header = header;
      });
      // The call departs here, not when its first answer is asked for.
      answers.begin(runInCall(call, () => method(input, options)) as AsyncIterable<Message>);
      return answers;
    },
    async single(exchange, route, call, input, failed) {
      let header: Fields;
      const method = methodOf(route);
      const options = optionsFor(exchange, route, call, failed, (it) => {
        header = it;
      });
      const message = await untilEnded(call, () => method(input, options) as Promise<Message>);
      return { header, message };
    },
  };
}

function optionsFor(
  exchange: Exchange,
  route: EdgeRoute,
  call: LiveCall,
  failed: AbortSignal | undefined,
  onHeader: (header: Fields) => void,
): CallOptions {
  const leftMs = call.deadline - Date.now();
  return {
    headers: headersOf(inwardFields(exchange.request, exchange.client, route.headers)),
    ...(failed && { signal: failed }),
    onHeader: (header) => onHeader(fieldsOf(header)),
    ...(Number.isFinite(leftMs) && { timeoutMs: Math.max(1, leftMs) }),
  };
}

function remember(make: (contract: DescService) => Methods): (contract: DescService) => Methods {
  const made = new WeakMap<DescService, Methods>();
  return (contract) => {
    let methods = made.get(contract);
    if (!methods) {
      methods = make(contract);
      made.set(contract, methods);
    }
    return methods;
  };
}
