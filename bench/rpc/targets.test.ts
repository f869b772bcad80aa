import { expect, test } from "vitest";
import { ratiosAt, resultObjects, resultTables } from "../harness/results.ts";
import type { Result } from "../harness/rounds.ts";
import { headline, targetsOf } from "./targets.ts";

const result = (peer: string, inFlight: number, perSecond: number, p50Ms: number): Result => ({
  case: "echo-100B",
  inFlight,
  peer,
  perSecond,
  p50Ms,
  p99Ms: Number.NaN,
  cpuClientMicros: 0,
  cpuServerMicros: 0,
  rssClientMb: 0,
  rssServerMb: 0,
  spread: 0,
});

const results = [
  result("weft", 1, 9000, 0.1),
  result("grpc-js", 1, 4500, 0.2),
  result("weft", 64, 24_000, 2),
  result("grpc-js", 64, 6000, 9),
  result("connect-node", 64, 3000, 20),
];

test("ratios are those of the headline case, with whoever took part", () => {
  expect(ratiosAt(results, headline, "weft", ["grpc-js", "connect-node", "nestjs"])).toEqual({
    "grpc-js": 4,
    "connect-node": 8,
  });
});

test("targets say what was wanted, what was measured, and whether that is enough", () => {
  expect(targetsOf(results).map(({ wanted, measured, met }) => [wanted, measured, met])).toEqual([
    [">= 4", 4, true],
    [">= 10", 8, false],
    ["<= 0.6", 0.5, true],
  ]);
});

test("a target whose peer took no part is left out", () => {
  expect(targetsOf(results.filter((it) => it.peer !== "grpc-js"))).toHaveLength(1);
});

test("tables compare everyone with us, and leave open what was not measured", () => {
  const [, second] = resultTables(results, "weft", "calls");
  expect(second?.title).toBe("echo-100B, 64 in flight");
  expect(second?.rows[1]?.slice(0, 3)).toEqual(["grpc-js", "6000", "4.00×"]);
  expect(second?.rows[0]?.[5]).toBe("-");
  expect(JSON.parse(JSON.stringify(resultObjects(results)))[0].p99Ms).toBeNull();
});
