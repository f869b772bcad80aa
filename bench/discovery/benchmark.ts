import type { Benchmark, Settings, Target } from "../benchmark.ts";
import { round } from "../harness/statistics.ts";
import type { Table } from "../harness/table.ts";
import { callAll, createFleet, createInstances } from "./fleet.ts";
import { weigh } from "./memory.ts";
import type { Timing } from "./timing.ts";
import { time } from "./timing.ts";
import type { Work } from "./work.ts";
import { openBreakers, pickWork, updateWork } from "./work.ts";

const size = { services: 1000, instances: 10 };
/** With an open breaker at some of ten, most draws are still of two that let calls through. */
const ejected = 3;
/** What a pick may take, in microseconds. */
const pickLimit = 1;

interface Measured extends Timing {
  readonly name: string;
}

export const discovery: Benchmark = {
  summary: "1,000 services × 10 instances in one process: choosing, keeping up, memory",
  needsPeers: false,
  async run(settings) {
    const { progress } = settings;
    progress.stage(`${size.services} services × ${size.instances} instances`);
    const known = weigh(() => createFleet(createInstances(size)));
    const used = weigh(() => callAll(known.made.view));
    const endpoints = used.made;

    const updates = await measure(updateWork(known.made, endpoints), settings);
    const picks = await measure(pickWork(endpoints), settings);
    openBreakers(endpoints, ejected);
    const pickLeft = pickWork(endpoints)["pick, any service"];
    const besides = pickLeft
      ? await measure({ [`the same, ${ejected} of 10 ejected`]: pickLeft }, settings)
      : [];

    const memory = [
      { name: "known from the registry", bytes: known.bytes / known.made.instances.length },
      { name: "in use: load, breaker, absence", bytes: used.bytes / known.made.instances.length },
    ];
    return {
      tables: [
        timingTable("for each call", [...picks, ...besides]),
        timingTable("to keep up", updates),
        memoryTable(memory, known.made.instances.length),
      ],
      ratios: {},
      targets: targetsOf([...picks, ...besides]),
      cases: [
        ...[...picks, ...besides, ...updates].map(({ name, nanos, spread }) => ({
          case: name,
          nanos: round(nanos, 1),
          spread: round(spread, 4),
        })),
        ...memory.map(({ name, bytes }) => ({ case: name, bytesPerInstance: Math.round(bytes) })),
      ],
    };
  },
};

async function measure(work: Work, { quick, seconds, progress, signal }: Settings): Promise<Measured[]> {
  const rounds = quick ? 5 : 15;
  const roundMs = ((seconds ?? (quick ? 0.5 : 3)) * 1000) / rounds;
  const measured: Measured[] = [];
  for (const [name, run] of Object.entries(work)) {
    progress.step(name);
    measured.push({ name, ...(await time(run, { rounds, roundMs, signal })) });
  }
  return measured;
}

const timingTable = (title: string, measured: readonly Measured[]): Table => ({
  title: `${title}, ${size.services} services × ${size.instances} instances`,
  head: ["", "ns", "±", "million/s"],
  rows: measured.map(({ name, nanos, spread }) => [
    name,
    nanos.toFixed(0),
    `${(spread * 100).toFixed(0)} %`,
    (1000 / nanos).toFixed(2),
  ]),
});

const memoryTable = (memory: readonly { name: string; bytes: number }[], count: number): Table => ({
  title: "memory",
  head: ["", "bytes/instance", `MB for ${count}`],
  rows: memory.map(({ name, bytes }) => [name, bytes.toFixed(0), ((bytes * count) / 1024 / 1024).toFixed(1)]),
});

const targetsOf = (picks: readonly Measured[]): Target[] =>
  picks
    .filter(({ name }) => name === "pick, any service")
    .map(({ name, nanos }) => ({
      name: `µs to ${name}`,
      wanted: `< ${pickLimit}`,
      measured: nanos / 1000,
      met: nanos / 1000 < pickLimit,
    }));
