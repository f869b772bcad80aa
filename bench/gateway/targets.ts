import type { Target } from "../benchmark.ts";
import type { Cell } from "../harness/contender.ts";
import { ratiosAt } from "../harness/results.ts";
import type { Result } from "../harness/rounds.ts";
import { ratio } from "../harness/statistics.ts";
import type { GatewayFigures } from "./edge.ts";
import { get } from "./work.ts";

/** Where peers are compared in one number. */
export const headline: Cell = { name: get.name, lanes: 64 };

type Results = readonly Result<GatewayFigures>[];

/** What Weft is held to; a target whose peer took no part is left out. */
export function targetsOf(results: Results): Target[] {
  const requests = ratiosAt(results, headline, "weft", ["fastify-grpc-js", "nestjs"]);
  const targets = [
    atLeast("requests/s ÷ Fastify + grpc-js", 3, requests["fastify-grpc-js"]),
    atLeast("requests/s ÷ NestJS", 4, requests.nestjs),
    below("p99 ÷ Fastify + grpc-js", 1, figureRatio(results, "p99Ms", "fastify-grpc-js")),
    below("p99 ÷ NestJS", 1, figureRatio(results, "p99Ms", "nestjs")),
    atMost("gateway's CPU ÷ grpc-gateway's", 1.5, figureRatio(results, "cpuGatewayMicros", "grpc-gateway")),
  ];
  return targets.filter((it) => it !== undefined);
}

function figureRatio(results: Results, figure: keyof GatewayFigures, peer: string): number | undefined {
  const at = results.filter((it) => it.case === headline.name && it.inFlight === headline.lanes);
  const ours = at.find((it) => it.peer === "weft");
  const theirs = at.find((it) => it.peer === peer);
  return ours && theirs && ratio(ours[figure], theirs[figure]);
}

const where = `, ${headline.name}, ${headline.lanes} in flight`;

const atLeast = (name: string, limit: number, measured: number | undefined): Target | undefined =>
  measured === undefined
    ? undefined
    : { name: name + where, wanted: `>= ${limit}`, measured, met: measured >= limit };

const atMost = (name: string, limit: number, measured: number | undefined): Target | undefined =>
  measured === undefined
    ? undefined
    : { name: name + where, wanted: `<= ${limit}`, measured, met: measured <= limit };

const below = (name: string, limit: number, measured: number | undefined): Target | undefined =>
  measured === undefined
    ? undefined
    : { name: name + where, wanted: `< ${limit}`, measured, met: measured < limit };
