import { choose } from "../arguments.ts";
import type { Benchmark, Outcome, Settings } from "../benchmark.ts";
import type { Cell } from "../harness/contender.ts";
import type { Pace } from "../harness/pace.ts";
import { ratiosAt, resultObjects, tablesOf } from "../harness/results.ts";
import { round } from "../harness/statistics.ts";
import type { Table } from "../harness/table.ts";
import type { Contest } from "./contest.ts";
import { contest, gatewayColumns } from "./contest.ts";
import { measureFeatures } from "./features.ts";
import { fastifyGrpcJs, grpcGateway, moleculerWeb, nestjs, nodeHttp, vanguard } from "./peers.ts";
import type { RouteTiming } from "./routes.ts";
import { routesTable, routesTarget, timeRoutes } from "./routes.ts";
import { headline, targetsOf } from "./targets.ts";
import { weft } from "./weft.ts";
import { works } from "./work.ts";

const peers = [fastifyGrpcJs, nestjs, moleculerWeb, nodeHttp, grpcGateway, vanguard];
const compared = peers.map((it) => it.name);

const cellsAt = (lanes: readonly number[]): Cell[] =>
  works.flatMap(({ name }) => lanes.map((it) => ({ name, lanes: it })));

export const gateway: Benchmark = {
  summary: "REST before a backend, next to other gateways, and what it costs to find a route",
  needsPeers: true,
  run: (settings) => (settings.features ? measureFeatures(settings, headline) : comparePeers(settings)),
};

async function comparePeers(settings: Settings): Promise<Outcome> {
  const found = await contest({
    peers: [weft(), ...choose(peers, settings.peers)],
    cells: cellsAt(settings.quick ? [64] : [1, 64]),
    pace: gatewayPace(settings),
    settings,
  });
  const routes = await timeRoutes(settings);
  const { results, load } = found;
  return {
    tables: [
      ...tablesOf(results, { ours: "weft", unit: "requests", columns: gatewayColumns }),
      routesTable(routes),
      ...absentTable(found),
    ],
    ratios: ratiosAt(results, headline, "weft", compared),
    targets: [...targetsOf(results), ...routesTarget(routes)],
    cases: [...resultObjects(results).map((it) => ({ ...it, load })), ...routes.map(routeObject)],
  };
}

/**
 * Gateways have more code to compile than clients and servers: all of them gain
 * for seconds. Each round opens its connections anew, which must not count.
 */
function gatewayPace({ quick, seconds }: Settings): Pace {
  const pace: Pace = quick
    ? { prepareMs: 2400, warmUpMs: 200, roundMs: 500, rounds: 3 }
    : { prepareMs: 7500, warmUpMs: 500, roundMs: 1000, rounds: 5 };
  return seconds === undefined ? pace : { ...pace, roundMs: seconds * 1000 };
}

const routeObject = ({ routes, nanos, spread }: RouteTiming) => ({
  case: "find-route",
  routes,
  nanos: round(nanos, 1),
  spread: round(spread, 4),
});

function absentTable({ absent }: Contest): Table[] {
  if (absent.length === 0) return [];
  return [{ title: "left out", head: ["", "because"], rows: absent.map(({ name, why }) => [name, why]) }];
}
