/**
 * The client that the conformance suite tests: our general lane under the stock
 * client. Its runner says on standard input which calls to make, and is told on
 * standard output what came of each. Usage:
 * client.ts <compiled contracts> [general|express]; with a lane, single calls are
 * made by way of it.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { Transport } from "@connectrpc/connect";
import { createClient } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import type { Protocol } from "#mesh/client/general-lane.ts";
import { openGeneralLane } from "#mesh/client/general-lane.ts";
import { makeCall } from "./calls.ts";
import { readMessages, writeMessage } from "./frames.ts";
import type { ClientRequest, ClientResponse } from "./suite.ts";
import { loadSuite } from "./suite.ts";
import { throughOf, transportThrough } from "./through.ts";

/** As the suite numbers them. */
const protocols: Readonly<Record<number, Protocol>> = { 1: "connect", 2: "grpc", 3: "grpc-web" };
const http1 = 1;
const json = 2;
const gzip = 2;

/** Calls that are made at the same time. */
const atOnce = 16;

const [, , image = "", way] = process.argv;
const suite = loadSuite(image);
const through = throughOf(way);
const transports = new Map<string, Promise<Transport>>();

/** A lane for each way of calling, as a process has them for each instance it calls. */
function transportFor(request: ClientRequest): Promise<Transport> {
  const { host, port, httpVersion, codec, compression, messageReceiveLimit, useGetHttpMethod } = request;
  const protocol = protocols[request.protocol];
  if (!protocol) throw new Error(`no protocol has the number ${request.protocol}`);
  const key = [host, port, httpVersion, protocol, codec, compression, messageReceiveLimit, useGetHttpMethod];
  const known = transports.get(key.join());
  if (known) return known;
  const { transport: wire } = openGeneralLane({
    baseUrl: `http://${host}:${port}`,
    protocol,
    http: httpVersion === http1 ? "1.1" : "2",
    codec: codec === json ? "json" : "binary",
    ...(compression === gzip && { sendCompression: compressionGzip }),
    // The suite wants to see even an empty message compressed.
    compressMinBytes: -1,
    ...(messageReceiveLimit > 0 && { readMaxBytes: messageReceiveLimit }),
    useHttpGet: useGetHttpMethod,
    registry: suite.registry,
  });
  const transport = through ? transportThrough(suite, through, wire) : Promise.resolve(wire);
  transports.set(key.join(), transport);
  return transport;
}

async function answer(request: ClientRequest): Promise<void> {
  const { testName } = request;
  let result: MessageInitShape<GenMessage<ClientResponse>>["result"];
  try {
    const client = createClient(suite.service, await transportFor(request));
    result = { case: "response", value: await makeCall(suite, client, request) };
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    result = { case: "error", value: { message } };
  }
  writeMessage(process.stdout, suite.clientResponse, create(suite.clientResponse, { testName, result }));
}

process.once("SIGTERM", () => process.exit());
const running = new Set<Promise<void>>();
for await (const request of readMessages(process.stdin, suite.clientRequest)) {
  const one = answer(request).finally(() => running.delete(one));
  running.add(one);
  if (running.size >= atOnce) await Promise.race(running);
}
await Promise.all(running);
process.stdout.end(() => process.exit());
