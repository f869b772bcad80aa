import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { choose } from "../arguments.ts";
import type { Benchmark } from "../benchmark.ts";
import { compare } from "../harness/compare.ts";
import { paceOf } from "../harness/pace.ts";
import { ratiosAt, resultObjects, resultTables } from "../harness/results.ts";
import { connectGrpc, grpcJs, weft } from "../rpc/peers.ts";

/** NestJS hands its streams to grpc-js without backpressure, and Moleculer's have no messages. */
const peers = [grpcJs, connectGrpc];
const compared = peers.map((it) => it.name);

const headline = { name: "server-stream", lanes: 16 };
const names = ["server-stream", "client-stream", "bidi-ping-pong"];
const cells = names.flatMap((name) => [1, 16].map((lanes) => ({ name, lanes })));

export const streams: Benchmark = {
  summary: "messages over streams in each direction, next to other frameworks",
  needsPeers: true,
  async run(settings) {
    const results = await compare({
      peers: [weft(), ...choose(peers, settings.peers)],
      cells,
      pace: paceOf(settings),
      work: pathToFileURL(join(import.meta.dirname, "cases.ts")).href,
      settings,
    });
    return {
      tables: resultTables(results, "weft", "messages"),
      ratios: ratiosAt(results, headline, "weft", compared),
      targets: [],
      cases: resultObjects(results),
    };
  },
};
