import type { Result } from "./rounds.ts";
import { ratiosTo, round } from "./statistics.ts";
import type { Table } from "./table.ts";

/** A table for each cell, with `ours` compared to everyone. `unit` is what is counted, such as calls. */
export function resultTables(results: readonly Result[], ours: string, unit: string): Table[] {
  const cells = Map.groupBy(results, (it) => `${it.case}, ${it.inFlight} in flight`);
  return [...cells].map(([title, rows]) => {
    const own = rows.find((it) => it.peer === ours)?.perSecond ?? Number.NaN;
    return {
      title,
      head: [
        "",
        `${unit}/s`,
        `${ours} is`,
        "±",
        "p50 ms",
        "p99 ms",
        "CPU µs client",
        "server",
        "RSS MB client",
        "server",
      ],
      rows: rows.map((it) => [
        it.peer,
        it.perSecond.toFixed(0),
        it.peer === ours || Number.isNaN(own) ? "" : `${(own / it.perSecond).toFixed(2)}×`,
        `${(it.spread * 100).toFixed(0)} %`,
        number(it.p50Ms, 3),
        number(it.p99Ms, 2),
        number(it.cpuClientMicros, 0),
        number(it.cpuServerMicros, 0),
        number(it.rssClientMb, 0),
        number(it.rssServerMb, 0),
      ]),
    };
  });
}

const number = (value: number, digits: number) => (Number.isNaN(value) ? "-" : value.toFixed(digits));

/** The results as they go into JSON, where NaN (a latency that means nothing) becomes null. */
export const resultObjects = (results: readonly Result[]): object[] =>
  results.map((it) =>
    Object.fromEntries(
      Object.entries(it).map(([key, value]) => [key, typeof value === "number" ? round(value, 4) : value]),
    ),
  );

/** How many times as many calls `ours` does as each of the others, in one cell. */
export function ratiosAt(
  results: readonly Result[],
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
