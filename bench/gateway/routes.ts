/** What it costs to find the route of a request, with few routes and with many. */

import { parseTemplate } from "../../gateway/routing/parse-template.ts";
import type { Route } from "../../gateway/routing/router.ts";
import { createRouter } from "../../gateway/routing/router.ts";
import type { Settings, Target } from "../benchmark.ts";
import type { Timing } from "../discovery/timing.ts";
import { time } from "../discovery/timing.ts";
import { median, ratio, spreadOf } from "../harness/statistics.ts";
import type { Table } from "../harness/table.ts";

export interface RouteTiming extends Timing {
  readonly routes: number;
}

const sizes = [10, 100, 1000, 10_000];
/** As a service has them that keeps things of one kind. */
const perService = [
  ["GET", "", ""],
  ["POST", "", ""],
  ["GET", "/{id}", "/7f3a"],
  ["DELETE", "/{id}", "/7f3a"],
  ["POST", "/{id}:cancel", "/7f3a:cancel"],
] as const;
/** As many different texts for each size, so that only what the router does can differ. */
const requests = 16_384;
/** Ten thousand of anything leave the CPU's caches: finding in a plain `Map` of such texts grew to 3 times, too. */
const flat = 3;

interface Request {
  readonly verb: string;
  readonly path: string;
}

/** In turn, as peers are: what disturbs the machine for a while disturbs a round of each size. */
export async function timeRoutes({ quick, progress, signal }: Settings): Promise<RouteTiming[]> {
  progress.stage("finding routes");
  const rounds = quick ? 5 : 15;
  const works = sizes.map((routes) => ({ routes, work: matchWork(routes), nanos: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { work, nanos } of works) {
      nanos.push((await time(work, { rounds: 1, roundMs: 50, signal })).nanos);
    }
  }
  return works.map(({ routes, nanos }) => ({ routes, nanos: median(nanos), spread: spreadOf(nanos) }));
}

function matchWork(count: number): (times: number) => void {
  const table: Route<number>[] = [];
  const paths: string[] = [];
  for (let value = 0; value < count; value++) {
    // As long for each size.
    const base = `/api/v1/things-${10_000 + Math.floor(value / perService.length)}`;
    const [verb, rest, asked] = perService[value % perService.length] ?? perService[0];
    table.push({ verb, template: parseTemplate(base + rest), value });
    paths.push(base + asked);
  }
  const router = createRouter(table);
  const asked = Array.from({ length: requests }, (_, index): Request => {
    const route = Math.floor(Math.random() * count);
    const verb = table[route]?.verb ?? "";
    const path = paths[route] ?? "";
    // A text of its own: the same one again would be found in memory that is still warm.
    const request = { verb, path: Buffer.from(path).toString("latin1") };
    if (router.match(verb, request.path)?.value !== route) throw new Error(`no route for ${index}: ${path}`);
    return request;
  });
  const seen = { matches: 0 };
  return (times) => {
    for (let i = 0; i < times; i++) {
      const { verb, path } = asked[i % requests] as Request;
      if (router.match(verb, path)) seen.matches++;
    }
  };
}

export const routesTable = (timings: readonly RouteTiming[]): Table => ({
  title: "to find the route of a request",
  head: ["routes", "ns", "±"],
  rows: timings.map(({ routes, nanos, spread }) => [
    `${routes}`,
    nanos.toFixed(0),
    `${(spread * 100).toFixed(0)} %`,
  ]),
});

export function routesTarget(timings: readonly RouteTiming[]): Target[] {
  const [few, many] = [timings.at(0), timings.at(-1)];
  if (!few || !many) return [];
  const measured = ratio(many.nanos, few.nanos);
  const name = `finding one of ${many.routes} routes ÷ one of ${few.routes}`;
  return [{ name, wanted: `<= ${flat}`, measured, met: measured <= flat }];
}
