import type { Database } from "#mesh";
import type { Fact } from "../facts/fact.ts";
import { platformMetrics, trackedPrefix } from "../facts/names.ts";
import { paidMetric } from "../facts/order.ts";
import { refundMetric } from "../facts/payment.ts";
import { figuresFor } from "../figures.ts";
import { everybody } from "../rollup-lines.ts";
import type { ReportRow } from "./reports-store.ts";

export type Cell =
  | string
  | number
  | bigint
  | Date
  | null
  | readonly string[]
  | Readonly<Record<string, string>>;
export type Line = Readonly<Record<string, Cell>>;

export interface Table {
  readonly columns: readonly string[];
  /** Some at a time, each with how far it is, 0 to 1. */
  lines(): AsyncIterable<{ readonly lines: readonly Line[]; readonly done: number }>;
}

/** Rows that are in memory at once. */
const batchSize = 1000;

export function tableOf(db: Database, report: ReportRow): Table {
  switch (report.kind) {
    case "metrics":
      return metricsTable(db, report);
    case "sales":
      return factsTable(db, report, [paidMetric, refundMetric], {
        occurred_at: ({ occurredAt }) => occurredAt,
        kind: ({ metric }) => (metric === paidMetric ? "paid" : "refunded"),
        order_id: ({ properties }) => properties.order_id ?? "",
        seller_id: ({ ownerId }) => ownerId ?? "",
        customer_id: ({ userId }) => userId ?? "",
        currency: ({ currency }) => currency,
        minor_units: ({ amount }) => amount,
      });
    case "events":
      return factsTable(db, report, "tracked", {
        occurred_at: ({ occurredAt }) => occurredAt,
        id: ({ id }) => id,
        name: ({ metric }) => metric.slice(trackedPrefix.length),
        user_id: ({ userId }) => userId ?? "",
        subject_type: ({ subjectType }) => subjectType,
        subject_id: ({ subjectId }) => subjectId,
        value: ({ value }) => value,
        tags: ({ tags }) => tags,
        properties: ({ properties }) => properties,
      });
  }
}

/** A page at a time: a cursor would hold a transaction open for as long as the report takes. */
function factsTable(
  db: Database,
  { figuresOf, spanFrom, spanUntil }: ReportRow,
  metrics: readonly string[] | "tracked",
  cells: Readonly<Record<string, (row: Fact) => Cell>>,
): Table {
  const columns = Object.entries(cells);
  const page = (time: Date, id: string) =>
    db.transaction(async (tx) => {
      // Of a new month the planner knows nothing, and would sort all that is left for each page.
      await tx`set local enable_sort = off`;
      return tx<Fact[]>`
        select * from facts
        where (occurred_at, id) > (${time}, ${id}::uuid)
          and occurred_at >= ${spanFrom} and occurred_at < ${spanUntil}
          and ${metrics === "tracked" ? tx`metric like ${`${trackedPrefix}%`}` : tx`metric = any(${[...metrics]}::text[])`}
          ${figuresOf === everybody ? tx`` : tx`and owner_id = ${figuresOf}`}
        order by occurred_at, id
        limit ${batchSize}`;
    });
  const lengthMs = spanUntil.getTime() - spanFrom.getTime();
  return {
    columns: columns.map(([name]) => name),
    async *lines() {
      let rows = await page(new Date(spanFrom.getTime() - 1), everybody);
      for (let last = rows.at(-1); last; last = rows.at(-1)) {
        yield {
          lines: rows.map((row) => Object.fromEntries(columns.map(([name, cell]) => [name, cell(row)]))),
          done: (last.occurredAt.getTime() - spanFrom.getTime()) / lengthMs,
        };
        if (rows.length < batchSize) return;
        rows = await page(last.occurredAt, last.id);
      }
    },
  };
}

function metricsTable(db: Database, { figuresOf, spanFrom, spanUntil, timeZone, bucket }: ReportRow): Table {
  return {
    columns: ["from", "metric", "currency", "count", "sum", "minor_units"],
    async *lines() {
      const span = { fromMs: spanFrom.getTime(), untilMs: spanUntil.getTime(), timeZone };
      const all = await figuresFor(db.sql, { ownerId: figuresOf, metrics: platformMetrics, span, bucket });
      for (const [at, { name, currency, points }] of all.entries()) {
        const lines = points.map(({ fromMs, count, sum, minorUnits }) => ({
          from: new Date(fromMs),
          metric: name,
          currency,
          count,
          sum: currency === "" ? sum : null,
          minor_units: currency === "" ? null : minorUnits,
        }));
        yield { lines, done: (at + 1) / all.length };
      }
    },
  };
}
