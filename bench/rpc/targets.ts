import type { Target } from "../benchmark.ts";
import type { Cell } from "../harness/contender.ts";
import { ratiosAt } from "../harness/results.ts";
import type { Result } from "../harness/rounds.ts";
import { ratio } from "../harness/statistics.ts";

/** Where peers are compared in one number. */
export const headline: Cell = { name: "echo-100B", lanes: 64 };
/** Where nothing waits for anything else. */
export const alone: Cell = { name: "echo-100B", lanes: 1 };

/** What Weft is held to; a target whose peer took no part is left out. */
export function targetsOf(results: readonly Result[]): Target[] {
  const calls = ratiosAt(results, headline, "weft", ["grpc-js", "connect-node"]);
  const targets = [
    atLeast("calls/s ÷ grpc-js, 100 B, 64 in flight", 4, calls["grpc-js"]),
    atLeast("calls/s ÷ connect-node gRPC, 100 B, 64 in flight", 10, calls["connect-node"]),
    atMost("p50 ÷ grpc-js, 100 B, 1 in flight", 0.6, latencyRatio(results, "grpc-js")),
  ];
  return targets.filter((it) => it !== undefined);
}

function latencyRatio(results: readonly Result[], peer: string): number | undefined {
  const p50 = (name: string) =>
    results.find((it) => it.peer === name && it.case === alone.name && it.inFlight === alone.lanes)?.p50Ms;
  const [ours, theirs] = [p50("weft"), p50(peer)];
  return ours === undefined || theirs === undefined ? undefined : ratio(ours, theirs);
}

const atLeast = (name: string, limit: number, measured: number | undefined): Target | undefined =>
  measured === undefined ? undefined : { name, wanted: `>= ${limit}`, measured, met: measured >= limit };

const atMost = (name: string, limit: number, measured: number | undefined): Target | undefined =>
  measured === undefined ? undefined : { name, wanted: `<= ${limit}`, measured, met: measured <= limit };
