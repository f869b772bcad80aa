import { setTimeout as sleep } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { Any } from "@bufbuild/protobuf/wkt";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Call } from "#mesh/call/call.ts";
import type { Handlers } from "#mesh/implementation.ts";
import { addFields, errorOf, fieldsOf } from "./convert.ts";
import type { ConformanceContract, ManyAnswers, Payload, SingleAnswer, Suite } from "./suite.ts";

type PayloadInit = MessageInitShape<GenMessage<Payload>>;

/** Answers the suite's contract as it asks for: what each request says its answer should be. */
export function conformanceHandlers(suite: Suite): Handlers<ConformanceContract> {
  const { method } = suite.service;
  const answerOnce = async (definition: SingleAnswer | undefined, requests: Any[], call: Call) => ({
    payload: await singleAnswer(suite, definition, requests, call),
  });
  return {
    unary: (request, call) =>
      answerOnce(request.responseDefinition, [anyPack(method.unary.input, request)], call),
    idempotentUnary: (request, call) =>
      answerOnce(request.responseDefinition, [anyPack(method.idempotentUnary.input, request)], call),
    unimplemented: () => {
      // Plain, as of a server that does not know the method: the suite allows no details here.
      throw new ConnectError("the suite wants this method to have no answer", Code.Unimplemented);
    },
    async clientStream(messages, call) {
      const requests: Any[] = [];
      let definition: SingleAnswer | undefined;
      for await (const message of messages) {
        if (requests.length === 0) definition = message.responseDefinition;
        requests.push(anyPack(method.clientStream.input, message));
      }
      return answerOnce(definition, requests, call);
    },
    async *serverStream(request, call) {
      const answers = createAnswers(suite, request.responseDefinition, call);
      yield* answers.rest([anyPack(method.serverStream.input, request)]);
    },
    async *bidiStream(messages, call) {
      let answers = createAnswers(suite, undefined, call);
      let fullDuplex = false;
      let first = true;
      let requests: Any[] = [];
      for await (const message of messages) {
        if (first) {
          answers = createAnswers(suite, message.responseDefinition, call);
          fullDuplex = message.fullDuplex;
          first = false;
        }
        requests.push(anyPack(method.bidiStream.input, message));
        if (!fullDuplex) continue;
        if (!answers.more()) break;
        yield await answers.next(requests, "each");
        requests = [];
      }
      yield* answers.rest(requests);
    },
  };
}

async function singleAnswer(
  suite: Suite,
  definition: SingleAnswer | undefined,
  requests: Any[],
  call: Call,
): Promise<PayloadInit> {
  const requestInfo = seen(call, requests);
  if (!definition) return { requestInfo };
  const { response, responseDelayMs } = definition;
  addFields(call.responseHeader, definition.responseHeaders);
  addFields(call.responseTrailer, definition.responseTrailers);
  if (responseDelayMs > 0) await sleep(responseDelayMs, undefined, { signal: call.signal });
  if (response.case === "error") throw errorOf(response.value, packInfo(suite, requestInfo));
  return response.case === "responseData" ? { data: response.value, requestInfo } : { requestInfo };
}

/** The answers of a stream, one after the other. */
interface Answers {
  more(): boolean;
  /** The next one. It tells of the requests when it is the first, or each time where each answers a request. */
  next(requests: Any[], tells?: "each"): Promise<{ payload: PayloadInit }>;
  /** What is left, and then the error if there is to be one. */
  rest(requests: Any[]): AsyncIterable<{ payload: PayloadInit }>;
}

function createAnswers(suite: Suite, definition: ManyAnswers | undefined, call: Call): Answers {
  const data = definition?.responseData ?? [];
  let given = 0;
  addFields(call.responseHeader, definition?.responseHeaders ?? []);
  addFields(call.responseTrailer, definition?.responseTrailers ?? []);
  const answers: Answers = {
    more: () => given < data.length,
    async next(requests, tells) {
      const delayMs = definition?.responseDelayMs ?? 0;
      if (delayMs > 0) await sleep(delayMs, undefined, { signal: call.signal });
      const index = given++;
      const payload: PayloadInit = { data: data[index] ?? new Uint8Array() };
      if (index === 0) payload.requestInfo = seen(call, requests);
      else if (tells) payload.requestInfo = { requests };
      return { payload };
    },
    async *rest(requests) {
      while (answers.more()) yield await answers.next(requests);
      if (!definition?.error) return;
      throw errorOf(definition.error, given === 0 ? packInfo(suite, seen(call, requests)) : undefined);
    },
  };
  return answers;
}

/** A request by GET has no body, so nothing says of which type it is. Only this method may be called so. */
export const cameByGet = ({ method, requestHeader }: Call) =>
  method.endsWith("/IdempotentUnary") && !requestHeader.has("content-type");

type Seen = NonNullable<PayloadInit["requestInfo"]>;

/** What the request of a call looked like when it arrived. */
function seen(call: Call, requests: Any[]): Seen {
  const { requestHeader, deadline } = call;
  return {
    requestHeaders: fieldsOf(requestHeader),
    requests,
    // The methods have no timeout of their own, so a deadline is one that the caller set.
    ...(Number.isFinite(deadline) && { timeoutMs: BigInt(Math.max(0, deadline - Date.now())) }),
    ...(cameByGet(call) && { connectGetInfo: {} }),
  };
}

const packInfo = ({ requestInfo }: Suite, info: Seen): Any => anyPack(requestInfo, create(requestInfo, info));
