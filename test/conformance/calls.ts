import { setTimeout as sleep } from "node:timers/promises";
import type { DescMessage, Message, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import type { CallOptions, Client } from "@connectrpc/connect";
import { ConnectError } from "@connectrpc/connect";
import { createWritableIterable } from "@connectrpc/connect/protocol";
import { addFields, failureOf, fieldsOf } from "./convert.ts";
import type { ClientRequest, ClientResult, ConformanceContract, Payload, Suite } from "./suite.ts";

const fullDuplex = 5;

/** Makes the call that the suite asks for, and notes what came of it. */
export async function makeCall(
  suite: Suite,
  client: Client<ConformanceContract>,
  request: ClientRequest,
): Promise<ClientResult> {
  const call = beginCall(suite, request);
  const { method } = suite.service;
  try {
    switch (request.method) {
      case method.unary.name: {
        const message = call.message(method.unary.input);
        call.cancelSoon();
        call.answered(await client.unary(message, call.options));
        break;
      }
      case method.idempotentUnary.name: {
        const message = call.message(method.idempotentUnary.input);
        call.cancelSoon();
        call.answered(await client.idempotentUnary(message, call.options));
        break;
      }
      case method.unimplemented.name:
        await client.unimplemented(call.message(method.unimplemented.input), call.options);
        break;
      case method.clientStream.name:
        call.answered(await client.clientStream(call.sending(method.clientStream.input), call.options));
        break;
      case method.serverStream.name: {
        const answers = client.serverStream(call.message(method.serverStream.input), call.options);
        call.cancelSoon();
        for await (const answer of answers) call.answered(answer);
        break;
      }
      case method.bidiStream.name:
        await (request.streamType === fullDuplex ? inTurns : oneWayThenTheOther)(suite, client, call);
        break;
      default:
        throw new Error(`the suite has no method ${request.method}`);
    }
  } catch (error) {
    call.failed(error);
  }
  return create(suite.clientResult, call.result);
}

async function oneWayThenTheOther(
  { service }: Suite,
  client: Client<ConformanceContract>,
  call: OngoingCall,
): Promise<void> {
  const answers = client.bidiStream(call.sending(service.method.bidiStream.input), call.options);
  for await (const answer of answers) call.answered(answer);
}

/** Waits for an answer to each message before it sends the next. */
async function inTurns(
  { service }: Suite,
  client: Client<ConformanceContract>,
  call: OngoingCall,
): Promise<void> {
  const input = service.method.bidiStream.input;
  const requests = createWritableIterable<MessageShape<typeof input>>();
  const answers = client.bidiStream(requests, call.options)[Symbol.asyncIterator]();
  for (const message of call.messages(input)) {
    await call.delay();
    await requests.write(message);
    const { done, value } = await answers.next();
    if (!done) call.answered(value);
  }
  call.cancelInsteadOfClosing();
  requests.close();
  call.cancelSoon();
  for (let next = await answers.next(); !next.done; next = await answers.next()) call.answered(next.value);
}

type ResultInit = MessageInitShape<GenMessage<ClientResult>>;

interface OngoingCall {
  readonly options: CallOptions;
  readonly result: ResultInit & { payloads: Payload[] };
  message<T extends Message>(schema: GenMessage<T>): T;
  messages<T extends Message>(schema: GenMessage<T>): T[];
  /** The messages of a stream, at the pace and with the end that the suite wants. */
  sending<T extends Message>(schema: GenMessage<T>): AsyncIterable<T>;
  delay(): Promise<void>;
  /** Cancels some time after all was sent, if the suite wants that. */
  cancelSoon(): void;
  cancelInsteadOfClosing(): void;
  answered(answer: { payload?: Payload }): void;
  failed(error: unknown): void;
}

function beginCall(suite: Suite, request: ClientRequest): OngoingCall {
  const result: OngoingCall["result"] = { payloads: [] };
  const abort = new AbortController();
  const timing = request.cancel?.cancelTiming;
  const headers = new Headers();
  addFields(headers, request.requestHeaders);
  const noteHeader = (header: Headers) => {
    result.responseHeaders = fieldsOf(header);
  };
  const noteTrailer = (trailer: Headers) => {
    result.responseTrailers = fieldsOf(trailer);
  };
  const call: OngoingCall = {
    options: {
      headers,
      signal: abort.signal,
      ...(request.timeoutMs !== undefined && { timeoutMs: request.timeoutMs }),
      onHeader: noteHeader,
      onTrailer: noteTrailer,
    },
    result,
    message(schema) {
      const [message] = call.messages(schema);
      if (!message) throw new Error("the suite gives no message to send");
      return message;
    },
    messages: <T extends Message>(schema: GenMessage<T>) =>
      request.requestMessages.map((any) => {
        const message = anyUnpack(any, schema as DescMessage);
        if (!message) throw new Error(`${any.typeUrl} is not what ${request.method} takes`);
        return message as T;
      }),
    async *sending(schema) {
      for (const message of call.messages(schema)) {
        await call.delay();
        yield message;
      }
      call.cancelInsteadOfClosing();
      call.cancelSoon();
    },
    delay: async () => {
      if (request.requestDelayMs > 0) await sleep(request.requestDelayMs);
    },
    cancelSoon() {
      if (!request.cancel) return;
      if (timing?.case === "afterCloseSendMs") setTimeout(() => abort.abort(), timing.value);
      else if (timing?.case === undefined) abort.abort();
    },
    cancelInsteadOfClosing() {
      if (timing?.case === "beforeCloseSend") abort.abort();
    },
    answered({ payload }) {
      result.payloads.push(payload ?? create(suite.payload));
      if (timing?.case === "afterNumResponses" && result.payloads.length === timing.value) abort.abort();
    },
    failed(error) {
      const { metadata } = ConnectError.from(error);
      result.error = failureOf(error);
      // The metadata of an error may have come either way.
      if (!result.responseHeaders) noteHeader(metadata);
      noteTrailer(metadata);
    },
  };
  return call;
}
