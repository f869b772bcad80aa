import type { Message } from "@bufbuild/protobuf";
import { toBinary } from "@bufbuild/protobuf";
import type { LiveCall } from "#mesh/call/live-call.ts";
import type { Fields } from "#mesh/call/metadata.ts";
import { eachField } from "#mesh/call/metadata.ts";
import { failureOf as errorOf } from "#mesh/rpc/perform.ts";
import type { NodeServerResponse } from "#mesh/server/node.ts";
import { createIsoTime } from "#mesh/telemetry/iso-time.ts";
import { within } from "#mesh/within.ts";
import { failureText } from "../edge/envelope.ts";
import type { Exchange } from "../edge/exchange.ts";
import { failureOf } from "../edge/failure.ts";
import { outwardFields } from "../edge/passed-headers.ts";
import type { EdgeRoute } from "../edge/route.ts";
import { stringField, stringOf } from "./event-id.ts";
import type { Framing } from "./framing.ts";
import { Outflow } from "./outflow.ts";
import type { StreamPolicy } from "./policy.ts";
import type { Answers } from "./stream-client.ts";

export interface SendMessagesOptions {
  readonly framing: Framing;
  readonly policy: StreamPolicy;
  /** Why the request itself failed, if it did, which is told rather than what came of it. */
  readonly ownFailure: () => unknown;
}

/** Of what a callee says in headers, what makes sense of an answer that nobody keeps. */
const passed = new Set(["content-language", "deprecation", "sunset", "link"]);
const isoTime = createIsoTime();

/** Answers by the messages of a stream, one after the other, as they come. */
export async function sendMessages(
  exchange: Exchange,
  route: EdgeRoute,
  call: LiveCall,
  answers: Answers,
  { framing, policy, ownFailure }: SendMessagesOptions,
): Promise<void> {
  const { response } = exchange;
  const out = new Outflow(response, call, exchange.openHold());
  let heartbeat: NodeJS.Timeout | undefined;
  try {
    let next = answers.next();
    await within(next, policy.earlyMs);
    exchange.begin(route.status, framing.contentType, headOf(answers.header));
    if (exchange.request.method === "HEAD") {
      out.end("");
      return;
    }
    if (framing.opening === "") flushHead(response);
    else await out.write(framing.opening);
    if (framing.heartbeat !== "") {
      heartbeat = setInterval(() => out.mention(framing.heartbeat), policy.heartbeatMs);
    }
    const write = messageWriter(route, framing);
    for (;;) {
      const step = await next;
      if (step.done) break;
      const full = out.write(write(step.value));
      if (full) await full;
      next = answers.next();
    }
    out.end(framing.end);
  } catch (thrown) {
    const error = errorOf(call, ownFailure() ?? thrown);
    if (response.headersSent) {
      const failure = failureOf(error, exchange.service);
      out.end(framing.failure(failureText(failure, exchange.ids.requestId, isoTime(Date.now()))));
      // Whoever notes the error ends the connection, and must find that it has left.
      clearInterval(heartbeat);
      answers.leave();
      await out.closed();
    }
    throw error;
  } finally {
    clearInterval(heartbeat);
    answers.leave();
  }
}

function headOf(header: Fields): string[] {
  const head: string[] = [];
  eachField(outwardFields(header), (name, value) => {
    if (passed.has(name)) head.push(name, value);
  });
  // nginx and its kin would collect the answer before they pass any of it on.
  head.push("cache-control", "no-store", "x-accel-buffering", "no");
  return head;
}

function messageWriter({ method, write }: EdgeRoute, framing: Framing): (message: Message) => string {
  const { output } = method.desc;
  const eventId = stringField(output, "event_id");
  return (message) => framing.message(write(toBinary(output, message)), stringOf(message, eventId));
}

/** The head leaves though nothing is behind it yet. HTTP/2 does so by itself. */
function flushHead(response: NodeServerResponse): void {
  if ("flushHeaders" in response && typeof response.flushHeaders === "function") response.flushHeaders();
}
