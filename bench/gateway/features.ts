import type { Outcome, Settings } from "../benchmark.ts";
import type { Cell } from "../harness/contender.ts";
import type { Pace } from "../harness/pace.ts";
import { resultObjects } from "../harness/results.ts";
import type { Result } from "../harness/rounds.ts";
import { contest } from "./contest.ts";
import type { GatewayFigures } from "./edge.ts";
import { weft } from "./weft.ts";
import type { WeftOptions } from "./weft-options.ts";

/** Weft with one feature, and without. What is not named is as usual. */
interface Feature {
  readonly name: string;
  readonly on: Partial<WeftOptions>;
  readonly off: Partial<WeftOptions>;
}

const features: readonly Feature[] = [
  // Who does not sign in is known by address alone, and would soon be over the limits.
  { name: "auth", on: { auth: true, limits: false }, off: { auth: false, limits: false } },
  { name: "limits", on: { limits: true }, off: { limits: false } },
  { name: "tracing, 10 %", on: { tracing: 0.1 }, off: { tracing: 0 } },
  { name: "access log", on: { accessLog: true }, off: { accessLog: false } },
];

/** Differences are small: more rounds than for a comparison with others, and only once all is compiled. */
const usual: Pace = { prepareMs: 5000, warmUpMs: 500, roundMs: 600, rounds: 11 };
const quickly: Pace = { prepareMs: 3000, warmUpMs: 0, roundMs: 300, rounds: 5 };

/** What each feature costs: pairs of Weft with and without it, in alternating rounds. */
export async function measureFeatures(settings: Settings, cell: Cell): Promise<Outcome> {
  const { quick, seconds } = settings;
  const pace = quick ? quickly : usual;
  const rows: string[][] = [];
  const cases: object[] = [];
  for (const { name, on, off } of features) {
    const { results } = await contest({
      peers: [weft(on, `with ${name}`), weft(off, `without ${name}`)],
      cells: [cell],
      pace: seconds === undefined ? pace : { ...pace, roundMs: seconds * 1000 },
      settings,
    });
    rows.push([name, ...costs(results)]);
    cases.push(...resultObjects(results).map((it, index) => ({ feature: name, on: index === 0, ...it })));
  }
  const head = ["", "requests/s with", "without", "±", "CPU µs gateway", "backend", "p50 ms"];
  const title = `what a feature costs: ${cell.name}, ${cell.lanes} in flight`;
  return { tables: [{ title, head, rows }], ratios: {}, targets: [], cases };
}

function costs([on, off]: readonly Result<GatewayFigures>[]): string[] {
  if (!on || !off) return [];
  const more = (key: "cpuGatewayMicros" | "cpuBackendMicros" | "p50Ms", digits: number) => {
    const difference = on[key] - off[key];
    return `${difference < 0 ? "" : "+"}${difference.toFixed(digits)}`;
  };
  return [
    on.perSecond.toFixed(0),
    off.perSecond.toFixed(0),
    `${(Math.max(on.spread, off.spread) * 100).toFixed(0)} %`,
    more("cpuGatewayMicros", 1),
    more("cpuBackendMicros", 1),
    more("p50Ms", 3),
  ];
}
