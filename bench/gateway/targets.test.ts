import { expect, test } from "vitest";
import type { Result } from "../harness/rounds.ts";
import type { GatewayFigures } from "./edge.ts";
import { targetsOf } from "./targets.ts";

const result = (
  peer: string,
  perSecond: number,
  p99Ms: number,
  cpuGatewayMicros: number,
  inFlight = 64,
): Result<GatewayFigures> => ({
  case: "get",
  inFlight,
  peer,
  perSecond,
  p50Ms: 1,
  p99Ms,
  cpuGatewayMicros,
  cpuBackendMicros: 10,
  rssGatewayMb: 100,
  rssBackendMb: 100,
  spread: 0,
});

const results = [
  result("weft", 900, 0.1, 10, 1),
  result("weft", 12_000, 8, 60),
  result("fastify-grpc-js", 4000, 20, 150),
  result("nestjs", 4000, 7, 250),
  result("grpc-gateway", 7000, 20, 30),
];

test("targets are those of 64 connections, each with what was measured and whether it is enough", () => {
  expect(targetsOf(results).map(({ wanted, measured, met }) => [wanted, measured, met])).toEqual([
    [">= 3", 3, true],
    [">= 4", 3, false],
    ["< 1", 0.4, true],
    ["< 1", 1.14, false],
    ["<= 1.5", 2, false],
  ]);
});

test("a target whose peer took no part is left out", () => {
  expect(targetsOf(results.filter((it) => it.peer !== "grpc-gateway"))).toHaveLength(4);
  expect(targetsOf(results.filter((it) => it.peer !== "weft"))).toEqual([]);
});
