import type { Message } from "@bufbuild/protobuf";
import { toBinary } from "@bufbuild/protobuf";
import type { HttpBody } from "#gen/google/api/httpbody_pb.js";
import { reasonOf } from "#mesh";
import type { LiveCall } from "#mesh/call/live-call.ts";
import { fail } from "#mesh/errors.ts";
import { failureOf as errorOf } from "#mesh/rpc/perform.ts";
import type { NodeServerRequest } from "#mesh/server/node.ts";
import { hasIt } from "../edge/conditional.ts";
import type { Exchange } from "../edge/exchange.ts";
import { failureOf } from "../edge/failure.ts";
import { outwardFields } from "../edge/passed-headers.ts";
import type { EdgeRoute } from "../edge/route.ts";
import { fieldIn, fileHead } from "./file-head.ts";
import { Outflow } from "./outflow.ts";
import type { Answers } from "./stream-client.ts";

const unknownType = "application/octet-stream";

/**
 * Answers by the bytes that a callee streams. Its first message says their type.
 * An answer that breaks off is cut and not ended, so that nobody takes half a
 * file for all of it.
 */
export async function sendFile(
  exchange: Exchange,
  route: EdgeRoute,
  call: LiveCall,
  answers: Answers,
): Promise<void> {
  const out = new Outflow(exchange.response, call, exchange.openHold());
  try {
    await send(exchange, route, answers, out);
  } catch (thrown) {
    const error = errorOf(call, thrown);
    const reason = reasonOf(error);
    if (exchange.response.headersSent) cut(exchange.request, error);
    else if (reason === "not_modified" && isRead(exchange)) {
      exchange.notModified(outwardFields(answers.header));
      return;
    } else if (reason === "range_not_satisfiable") {
      // `bytes */1234` tells how much there is (RFC 9110 §15.5.17).
      const range = fieldIn(outwardFields(answers.header), "content-range");
      await exchange.refuse(failureOf(error, exchange.service), range ? ["content-range", range] : []);
      await out.closed();
    }
    throw error;
  } finally {
    answers.leave();
  }
}

async function send(exchange: Exchange, route: EdgeRoute, answers: Answers, out: Outflow): Promise<void> {
  let step = await answers.next();
  const { status, fields, size, etag } = fileHead(answers.header, route.status);
  if (isRead(exchange) && etag !== undefined && hasIt(exchange.header("if-none-match"), etag)) {
    exchange.notModified(outwardFields(answers.header));
    return;
  }
  const { output } = route.method.desc;
  const type = step.done ? unknownType : route.raw?.(toBinary(output, step.value)).contentType;
  exchange.begin(status, type ?? unknownType, fields);
  if (exchange.request.method === "HEAD") {
    out.end("");
    return;
  }
  let sent = 0;
  for (; !step.done; step = await answers.next()) {
    const data = dataOf(route, step.value);
    sent += data.length;
    if (size !== undefined && sent > size) throw notAsSaid(size, "more");
    const full = data.length > 0 ? out.write(data) : undefined;
    if (full) await full;
  }
  if (size !== undefined && sent < size) throw notAsSaid(size, "less");
  out.end("");
}

const noData = new Uint8Array(0);

function dataOf({ binding }: EdgeRoute, message: Message): Uint8Array {
  const { responseBody } = binding;
  const holder = message as unknown as Record<string, unknown>;
  const body = (responseBody ? holder[responseBody.localName] : message) as HttpBody | undefined;
  return body?.data ?? noData;
}

const isRead = ({ request: { method } }: Exchange) => method === "GET" || method === "HEAD";

/** A reset cannot be taken for the end, which the mere end of a connection is for HTTP/1.0. */
function cut(request: NodeServerRequest, error: Error): void {
  if ("stream" in request) request.stream.destroy(error);
  else request.socket.resetAndDestroy();
}

const notAsSaid = (size: number, how: string) =>
  fail.internal("unreadable_answer", `the service said ${size} bytes and sent ${how}`, {
    remedy: "its operator must look at it",
  });
