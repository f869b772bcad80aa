import type { Transport } from "@connectrpc/connect";
import type { UniversalHandler, UniversalHandlerFn } from "@connectrpc/connect/protocol";
import { createUniversalHandlerClient } from "@connectrpc/connect/protocol";
import { createTransport } from "@connectrpc/connect/protocol-connect";
import type { Instance } from "../discovery/instance.ts";
import { authorityOf } from "../discovery/instance.ts";
import type { Rpc } from "../rpc/rpc.ts";
import type { Lanes } from "./endpoint.ts";
import { createExpressLane } from "./express-lane.ts";
import { openGeneralLane } from "./general-lane.ts";
import { createGeneralUnary } from "./general-unary.ts";
import { createLocalLane } from "./local-lane.ts";
import { neighbour } from "./neighbours.ts";

/** The ways to an instance: without a socket where it is in this process. */
export function lanesTo(instance: Instance): Lanes {
  const rpc = neighbour(instance.id);
  return rpc ? localLanes(rpc) : socketLanes(instance);
}

export function localLanes(rpc: Rpc): Lanes {
  return { unary: createLocalLane(rpc), stream: inMemoryTransport(rpc), close: () => {} };
}

function socketLanes({ host, port, express }: Instance): Lanes {
  const baseUrl = `http://${authorityOf(host, port)}`;
  // Within a cluster, compression costs more than it saves: streams took two to six times as long.
  const general = openGeneralLane({ baseUrl, acceptCompression: [] });
  const overGeneral = createGeneralUnary(general.transport);
  const unary = express ? createExpressLane({ host, port, general: overGeneral }) : overGeneral;
  return {
    unary,
    stream: general.transport,
    close: () => {
      unary.close();
      general.leave();
    },
  };
}

function inMemoryTransport({ handlers, messageBytes }: Rpc): Transport {
  return createTransport({
    httpClient: createUniversalHandlerClient(handlers.map(endingWithReader)),
    baseUrl: "http://in-memory",
    useBinaryFormat: true,
    interceptors: [],
    acceptCompression: [],
    sendCompression: null,
    compressMinBytes: Number.MAX_SAFE_INTEGER,
    readMaxBytes: messageBytes,
    writeMaxBytes: messageBytes,
  });
}

/**
 * A handler runs as far as its answers are read: one whose reader is gone would
 * stand still for ever, and its call never be over.
 */
function endingWithReader(handler: UniversalHandler): UniversalHandler {
  const run: UniversalHandlerFn = async (request) => {
    const response = await handler(request);
    const answers = response.body?.[Symbol.asyncIterator]();
    if (!answers) return response;
    // What its clean-up throws has nobody to be told; how the call ended is told elsewhere.
    const end = () => void answers.return?.().catch(() => {});
    if (request.signal.aborted) end();
    else request.signal.addEventListener("abort", end, { once: true });
    return { ...response, body: { [Symbol.asyncIterator]: () => answers } };
  };
  return Object.assign(run, handler);
}
