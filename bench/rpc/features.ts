import type { Outcome, Settings } from "../benchmark.ts";
import { compare } from "../harness/compare.ts";
import type { Cell } from "../harness/contender.ts";
import type { Pace } from "../harness/pace.ts";
import { resultObjects } from "../harness/results.ts";
import type { Result } from "../harness/rounds.ts";
import { weft } from "./peers.ts";
import { fileUrl } from "./proto.ts";
import type { WeftOptions } from "./weft-options.ts";
import { switchable } from "./weft-options.ts";

/** Weft with one feature, and without. What is not named is as usual. */
interface Feature {
  readonly name: string;
  readonly on: Partial<WeftOptions>;
  readonly off: Partial<WeftOptions>;
}

const features: readonly Feature[] = [
  { name: "service tokens", on: { tokens: true }, off: { tokens: false } },
  { name: "validation", on: { validation: true }, off: { validation: false } },
  { name: "deadline", on: { deadline: true }, off: { deadline: false } },
  { name: "balancing", on: { balancing: true }, off: { balancing: false } },
  { name: "breaker and retry budget", on: { breaker: true }, off: { breaker: false } },
  { name: "metrics", on: { metrics: true }, off: { metrics: false } },
  { name: "tracing, 10 %", on: { tracing: 0.1 }, off: { tracing: 0 } },
  { name: "tracing, 100 %", on: { tracing: 1 }, off: { tracing: 0 } },
  { name: "access log", on: { accessLog: true }, off: { accessLog: false } },
];

/** Differences are small: more rounds than for a comparison with others. */
const usual: Pace = { prepareMs: 1500, warmUpMs: 500, roundMs: 600, rounds: 9 };
const quickly: Pace = { prepareMs: 500, warmUpMs: 0, roundMs: 250, rounds: 4 };

/** What each feature costs: pairs of Weft with and without it, in alternating rounds. */
export async function measureFeatures(settings: Settings, cell: Cell): Promise<Outcome> {
  const { quick, seconds } = settings;
  const pace = quick ? quickly : usual;
  const rows: string[][] = [];
  const cases: object[] = [];
  for (const { name, on, off } of features) {
    if (!canSwitch(on)) {
      rows.push([name, "always on"]);
      continue;
    }
    const pair = await compare({
      peers: [weft({ ...on }, `with ${name}`), weft({ ...off }, `without ${name}`)],
      cells: [cell],
      pace: seconds === undefined ? pace : { ...pace, roundMs: seconds * 1000 },
      work: fileUrl("cases.ts"),
      settings,
    });
    rows.push([name, ...costs(pair)]);
    cases.push(...resultObjects(pair).map((it, index) => ({ feature: name, on: index === 0, ...it })));
  }
  const head = ["", "calls/s with", "without", "±", "CPU µs client", "server", "p50 ms"];
  const title = `what a feature costs: ${cell.name}, ${cell.lanes} in flight`;
  return { tables: [{ title, head, rows }], ratios: {}, targets: [], cases };
}

const canSwitch = (on: Partial<WeftOptions>) =>
  Object.keys(on).every((key) => (switchable as readonly string[]).includes(key));

function costs([on, off]: readonly Result[]): string[] {
  if (!on || !off) return [];
  const more = (key: "cpuClientMicros" | "cpuServerMicros" | "p50Ms", digits: number) => {
    const difference = on[key] - off[key];
    return `${difference < 0 ? "" : "+"}${difference.toFixed(digits)}`;
  };
  return [
    on.perSecond.toFixed(0),
    off.perSecond.toFixed(0),
    `${(Math.max(on.spread, off.spread) * 100).toFixed(0)} %`,
    more("cpuClientMicros", 1),
    more("cpuServerMicros", 1),
    more("p50Ms", 3),
  ];
}
