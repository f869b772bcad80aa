import type { GenerateReport } from "#gen/analytics/v1/jobs_pb.js";
import type { Database, Job } from "#mesh";
import { canonicalId, newId, reasonOf } from "#mesh";
import type { AnalyticsMetrics } from "../analytics-metrics.ts";
import { csvLine, jsonLine } from "./csv.ts";
import type { FileSink } from "./file-sink.ts";
import type { ReportRow } from "./reports-store.ts";
import { beginReport, endReport } from "./reports-store.ts";
import { tableOf } from "./table.ts";

export interface WritingOptions {
  db: Database;
  sink: FileSink;
  metrics: AnalyticsMetrics;
  keepMs: number;
  limits?: Limits;
  now: () => number;
}

export interface Limits {
  readonly lines: number;
  readonly bytes: number;
}

/** More is no file that somebody opens. */
const usualLimits: Limits = { lines: 1_000_000, bytes: 100 * 1000 * 1000 };

class TooLarge extends Error {}

/** Does the job of writing one report. Each attempt begins with nothing. */
export function createWriting(options: WritingOptions) {
  const { db, sink, metrics, keepMs, limits = usualLimits, now } = options;

  const write = async (report: ReportRow, writer: string, job: Job): Promise<number> => {
    const { columns, lines: pages } = tableOf(db, report);
    const file = sink.open(report.id, writer);
    let count = 0;
    if (report.format === "csv") await file.write(csvLine(columns), count);
    for await (const { lines, done } of pages()) {
      job.signal.throwIfAborted();
      count += lines.length;
      const text = lines.map((line) =>
        report.format === "csv" ? csvLine(columns.map((name) => line[name] ?? null)) : jsonLine(line),
      );
      await file.write(text.join(""), count);
      if (count > limits.lines || file.bytes > limits.bytes) throw new TooLarge();
      job.progress(done * 100, `${count} lines`);
    }
    await file.end(count);
    return count;
  };

  return async ({ reportId }: GenerateReport, job: Job): Promise<void> => {
    const writer = newId(now());
    const id = canonicalId(reportId);
    const report = await db.transaction((tx) => beginReport(tx, id, writer, new Date(now())));
    if (!report) return;
    const end = async (status: "ready" | "failed", reason: string, lines: number) => {
      const nowMs = now();
      const expiresAt = new Date(nowMs + keepMs);
      const ending = { status, reason, lines, now: new Date(nowMs), expiresAt };
      if (await endReport(db.sql, id, writer, ending)) metrics.report(report.kind, reason || status);
    };
    try {
      const lines = await write(report, writer, job);
      job.signal.throwIfAborted();
      await end("ready", "", lines);
    } catch (error) {
      if (error instanceof TooLarge) {
        await end("failed", "too_large", 0);
        return;
      }
      // It was deleted, or another attempt goes on.
      if (reasonOf(error) === "report_given_up") return;
      if (reasonOf(error) === "too_many_points") {
        await end("failed", "too_many_points", 0);
        return;
      }
      // Whoever ended the attempt decides what becomes of the job.
      if (!job.signal.aborted && job.attempt >= job.maxAttempts) await end("failed", "internal", 0);
      throw error;
    }
  };
}
