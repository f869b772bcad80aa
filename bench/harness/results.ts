import type { Measured, Result } from "./rounds.ts";
import { ratiosTo, round } from "./statistics.ts";
import type { Table } from "./table.ts";

/** A figure in a table: its head, its name, and how many digits of it are shown. */
export type Column<F> = readonly [head: string, figure: keyof F, digits: number];

type Latencies = { readonly p50Ms: number; readonly p99Ms: number };

export interface TableOptions<F> {
  /** Who is compared with everyone. */
  readonly ours: string;
  /** What is counted, such as calls. */
  readonly unit: string;
  /** Beside rate and latencies. */
  readonly columns: readonly Column<F>[];
}

/** A table for each cell. */
export function tablesOf<F extends Measured & Latencies>(
  results: readonly F[],
  { ours, unit, columns }: TableOptions<F>,
): Table[] {
  const cells = Map.groupBy(results, (it) => `${it.case}, ${it.inFlight} in flight`);
  return [...cells].map(([title, rows]) => {
    const own = rows.find((it) => it.peer === ours)?.perSecond ?? Number.NaN;
    return {
      title,
      head: ["", `${unit}/s`, `${ours} is`, "±", "p50 ms", "p99 ms", ...columns.map(([head]) => head)],
      rows: rows.map((it) => [
        it.peer,
        it.perSecond.toFixed(0),
        it.peer === ours || Number.isNaN(own) ? "" : `${(own / it.perSecond).toFixed(2)}×`,
        `${(it.spread * 100).toFixed(0)} %`,
        number(it.p50Ms, 3),
        number(it.p99Ms, 2),
        ...columns.map(([, figure, digits]) => number(Number(it[figure]), digits)),
      ]),
    };
  });
}

const callColumns: readonly Column<Result>[] = [
  ["CPU µs client", "cpuClientMicros", 0],
  ["server", "cpuServerMicros", 0],
  ["RSS MB client", "rssClientMb", 0],
  ["server", "rssServerMb", 0],
];

export const resultTables = (results: readonly Result[], ours: string, unit: string): Table[] =>
  tablesOf(results, { ours, unit, columns: callColumns });

const number = (value: number, digits: number) => (Number.isNaN(value) ? "-" : value.toFixed(digits));

/** The results as they go into JSON, where NaN (a latency that means nothing) becomes null. */
export const resultObjects = (results: readonly object[]): object[] =>
  results.map((it) =>
    Object.fromEntries(
      Object.entries(it).map(([key, value]) => [key, typeof value === "number" ? round(value, 4) : value]),
    ),
  );

/** How many times as many calls `ours` does as each of the others, in one cell. */
export function ratiosAt(
  results: readonly Measured[],
  headline: { readonly name: string; readonly lanes: number },
  ours: string,
  others: readonly string[],
): Record<string, number> {
  const at = results.filter((it) => it.case === headline.name && it.inFlight === headline.lanes);
  const own = at.find((it) => it.peer === ours);
  if (!own) return {};
  const theirs = at.filter((it) => others.includes(it.peer)).map((it) => [it.peer, it.perSecond] as const);
  return ratiosTo(own.perSecond, Object.fromEntries(theirs));
}
