import { choose } from "../arguments.ts";
import type { Benchmark, Outcome, Settings } from "../benchmark.ts";
import { compare } from "../harness/compare.ts";
import { paceOf } from "../harness/pace.ts";
import { ratiosAt, resultObjects, resultTables } from "../harness/results.ts";
import { measureFeatures } from "./features.ts";
import { connectConnect, connectGrpc, grpcJs, moleculer, nestjs, weft } from "./peers.ts";
import { fileUrl } from "./proto.ts";
import { alone, headline, targetsOf } from "./targets.ts";

const peers = [grpcJs, connectGrpc, connectConnect, nestjs, moleculer];
/** Those in `ratios`; Connect over connect-node is in the tables alone. */
const compared = [grpcJs, connectGrpc, nestjs, moleculer].map((it) => it.name);

const names = ["echo-100B", "get-1KB", "list-100-items"];
const allCells = names.flatMap((name) => [1, 64, 512].map((lanes) => ({ name, lanes })));
const fewCells = [alone, headline, { name: "get-1KB", lanes: 64 }, { name: "list-100-items", lanes: 64 }];

export const rpc: Benchmark = {
  summary: "calls between two processes, next to other frameworks",
  needsPeers: true,
  run: (settings) => (settings.features ? measureFeatures(settings, headline) : comparePeers(settings)),
};

async function comparePeers(settings: Settings): Promise<Outcome> {
  const results = await compare({
    peers: [weft(), ...choose(peers, settings.peers)],
    cells: settings.quick ? fewCells : allCells,
    pace: paceOf(settings),
    work: fileUrl("cases.ts"),
    settings,
  });
  return {
    tables: resultTables(results, "weft", "calls"),
    ratios: ratiosAt(results, headline, "weft", compared),
    targets: targetsOf(results),
    cases: resultObjects(results),
  };
}
