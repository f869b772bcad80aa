import { create, toBinary } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { ConnectError } from "@connectrpc/connect";
import { fieldsOf } from "#mesh/call/metadata.ts";
import { responseOf } from "#mesh/client/answer.ts";
import { createExpressLane } from "#mesh/client/express-lane.ts";
import { openGeneralLane } from "#mesh/client/general-lane.ts";
import type { LaneRequest, UnaryLane } from "#mesh/client/lane.ts";
import { newId } from "#mesh/id.ts";
import { forwardingHandlers } from "./forwarding.ts";
import { conformanceHandlers } from "./handlers.ts";
import { serve } from "./serving.ts";
import type { Suite } from "./suite.ts";

/** The lane that single calls are sent through on their way. */
export type Through = "general" | "express";

export function throughOf(value: string | undefined): Through | undefined {
  if (value === undefined || value === "general" || value === "express") return value;
  throw new Error(`no lane is called "${value}": say general or express`);
}

/** A transport to a port of this process, over the lane that is to be tested. */
function transportTo(port: number, lane: Through): Transport {
  const general = openGeneralLane({ baseUrl: `http://127.0.0.1:${port}`, useHttpGet: true }).transport;
  return lane === "general" ? general : { unary: expressUnary(port), stream: general.stream };
}

/** For a server: handlers that have single calls answered by a second port, reached over the lane. */
export async function handlersThrough(suite: Suite, lane: Through) {
  const own = conformanceHandlers(suite);
  const { port } = await serve({ contract: suite.service, handlers: own });
  return forwardingHandlers(suite, transportTo(port, lane), own, { frontOf: "server" });
}

/** For a client: a transport whose single calls go over the lane to a port that makes them over `wire`. */
export async function transportThrough(suite: Suite, lane: Through, wire: Transport): Promise<Transport> {
  const handlers = forwardingHandlers(suite, wire, conformanceHandlers(suite), { frontOf: "client" });
  const { port } = await serve({ contract: suite.service, handlers });
  const front = transportTo(port, lane);
  return { unary: front.unary, stream: wire.stream };
}

/** Single calls over the express lane alone, without what the mesh's client does around it. */
function expressUnary(port: number): Transport["unary"] {
  const host = "127.0.0.1";
  const lane = createExpressLane({ host, port, general: neverNeeded });
  return (method, signal, timeoutMs, header, input) =>
    new Promise((resolve, reject) => {
      const message = create(method.input, input);
      const request: LaneRequest = {
        method,
        input: message,
        path: `/${method.parent.typeName}/${method.name}`,
        timeoutMs: timeoutMs ?? Number.POSITIVE_INFINITY,
        authorization: "",
        statement: "",
        requestId: newId(),
        correlationId: "",
        traceparent: "",
        fields: fieldsOf(new Headers(header)),
        message: toBinary(method.input, message),
      };
      const stop = lane.start(request, {
        answered: (answer) => resolve(responseOf(method, answer, "") as never),
        failed: ({ error }) => reject(error),
      });
      signal?.addEventListener("abort", () => {
        stop();
        reject(ConnectError.from(signal.reason));
      });
    });
}

const neverNeeded: UnaryLane = {
  start: () => {
    throw new Error("the express lane declined a call");
  },
  close: () => {},
};
