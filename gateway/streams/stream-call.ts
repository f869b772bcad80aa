import type { DescMethod, Message } from "@bufbuild/protobuf";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { fail } from "#mesh";
import type { LiveCall } from "#mesh/call/live-call.ts";
import type { Network } from "#mesh/client/network.ts";
import { chooseType } from "../edge/accept.ts";
import type { BodyLimits } from "../edge/body.ts";
import { readWhole } from "../edge/body.ts";
import type { Exchange } from "../edge/exchange.ts";
import { outwardFields } from "../edge/passed-headers.ts";
import type { EdgeRoute } from "../edge/route.ts";
import type { Match } from "../routing/router.ts";
import { eventFrames } from "./event-frames.ts";
import { resume } from "./event-id.ts";
import { fileMessagesOf } from "./file-messages.ts";
import type { Framing } from "./framing.ts";
import { lineFrames } from "./line-frames.ts";
import { lineMessages, mustBeLines } from "./line-messages.ts";
import type { StreamPolicy } from "./policy.ts";
import { streamPolicy } from "./policy.ts";
import { RequestChunks } from "./request-chunks.ts";
import { sendFile } from "./send-file.ts";
import { sendMessages } from "./send-messages.ts";
import { createStreamClient } from "./stream-client.ts";
import { upload } from "./upload.ts";

export interface StreamCallOptions {
  readonly network: Pick<Network, "client">;
  /** Of a body that is one message, and of one line of many. */
  readonly body: BodyLimits;
  /** Largest body that is passed on as it comes. */
  readonly uploadBytes: number;
  /** Default: `streamPolicy`. */
  readonly policy?: StreamPolicy;
}

const lines = "application/x-ndjson";
const events = "text/event-stream";

/** Answers requests for methods of which either side has more than one message. */
export function createStreamCall(options: StreamCallOptions) {
  const { network, body: limits, uploadBytes, policy = streamPolicy } = options;
  const client = createStreamClient(network);

  const answerStream: Answer = async (exchange, { value: route, captures }, call, query) => {
    const framing = route.raw ? undefined : framingFor(exchange, [lines, events]);
    const reading = readWhole(exchange.request, limits, exchange.openHold);
    const body = reading && (await reading);
    const { input } = route.method.desc;
    const contentType = exchange.header("content-type") ?? "";
    const message = fromBinary(input, route.encode({ captures, query, body, contentType }));
    resume(message, input, exchange.header("last-event-id"));
    const answers = client.answers(exchange, route, call, message, undefined);
    if (!framing) return sendFile(exchange, route, call, answers);
    return sendMessages(exchange, route, call, answers, { framing, policy, ownFailure: () => undefined });
  };

  const takeStream: Answer = async (exchange, match, call, query) => {
    const { value: route } = match;
    const input = inputOf(exchange, match, call, query, { limits, uploadBytes, policy });
    try {
      const { header, message } = await client.single(exchange, route, call, input.messages, input.failed);
      const bytes = toBinary(route.method.desc.output, message);
      const more = [...(outwardFields(header) ?? []), "cache-control", "no-store"];
      if (route.raw) {
        const { contentType, data } = route.raw(bytes);
        exchange.sendBytes(route.status, contentType, data, more);
      } else await exchange.succeed(route.status, route.write(bytes), more);
    } catch (thrown) {
      throw input.failed.reason ?? thrown;
    } finally {
      input.close();
    }
  };

  const converse: Answer = async (exchange, match, call, query) => {
    const { value: route } = match;
    const framing = route.raw ? undefined : framingFor(exchange, [lines]);
    const input = inputOf(exchange, match, call, query, { limits, uploadBytes, policy });
    const ownFailure = () => input.failed.reason;
    try {
      const answers = client.answers(exchange, route, call, input.messages, input.failed);
      await (framing
        ? sendMessages(exchange, route, call, answers, { framing, policy, ownFailure })
        : sendFile(exchange, route, call, answers));
    } finally {
      input.close();
    }
  };

  const kinds: Readonly<Record<DescMethod["methodKind"], Answer>> = {
    unary: async () => {
      throw fail.internal("not_a_stream", "a single call is not answered as a stream");
    },
    server_streaming: answerStream,
    client_streaming: takeStream,
    bidi_streaming: converse,
  };
  const answer: Answer = (exchange, match, call, query) =>
    kinds[match.value.method.desc.methodKind](exchange, match, call, query);
  return answer;
}

type Answer = (exchange: Exchange, match: Match<EdgeRoute>, call: LiveCall, query: string) => Promise<void>;

function framingFor(exchange: Exchange, ours: readonly [string, ...string[]]): Framing {
  const type = chooseType(exchange.header("accept"), ours);
  if (type === undefined) throw notAcceptable(ours);
  return type === events ? eventFrames : lineFrames;
}

interface Input {
  readonly messages: AsyncIterable<Message>;
  /** Aborted with the reason when the request is not what it should be. */
  readonly failed: AbortSignal;
  close(): void;
}

interface InputOptions {
  readonly limits: BodyLimits;
  readonly uploadBytes: number;
  readonly policy: StreamPolicy;
}

/** The messages that a request has, as they come in. */
function inputOf(
  exchange: Exchange,
  { value: route, captures }: Match<EdgeRoute>,
  call: LiveCall,
  query: string,
  { limits, uploadBytes, policy }: InputOptions,
): Input {
  const contentType = exchange.header("content-type") ?? "";
  const file = fileMessagesOf(route);
  if (!file) mustBeLines(contentType);
  // Who talks may think for a while; a file is at hand.
  const silentMs = file ? policy.silentMs : undefined;
  const chunks = new RequestChunks(exchange.request, call, { bytes: uploadBytes, silentMs });
  const next = () => chunks.next();
  const messages = file
    ? upload(route, file, { captures, query, contentType }, next, limits.bytes)
    : lineMessages(route, { captures, query }, next, limits.bytes);
  const failing = new AbortController();
  return { messages: guarded(messages, failing), failed: failing.signal, close: () => chunks.close() };
}

/** A request that breaks off must not end at the callee as if it were whole. */
async function* guarded(messages: AsyncIterable<Message>, failing: AbortController) {
  try {
    yield* messages;
  } catch (thrown) {
    failing.abort(thrown);
    throw thrown;
  }
}

const notAcceptable = (ours: readonly string[]) =>
  fail.invalid("not_acceptable", `the answer is a stream of ${ours.join(" or ")}`, {
    remedy: "name one of these in Accept",
  });
