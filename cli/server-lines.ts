import type { LogLine } from "./log-lines.ts";

/** `2026-11-22 04:16:07.902 UTC [13407] LOG:  database system is ready`, as we have PostgreSQL write it. */
const ofPostgres = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3}) UTC \[\d+\] ([A-Z0-9]+):\s+(.*)$/;
/** `[13408] 2026/11/22 04:16:07.919906 [INF] Server is ready`. */
const ofNats = /^\[\d+\] (\d{4})\/(\d\d)\/(\d\d) (\d\d:\d\d:\d\d\.\d{3})\d* \[([A-Z]{3})\] (.*)$/;

/** Levels of both; what belongs to a line of PostgreSQL, such as its DETAIL, is as important as most of those. */
const levels: Readonly<Record<string, string>> = {
  TRC: "trace",
  DBG: "debug",
  INF: "info",
  WRN: "warn",
  ERR: "error",
  FTL: "fatal",
  LOG: "info",
  INFO: "info",
  NOTICE: "info",
  WARNING: "warn",
  ERROR: "error",
  DETAIL: "error",
  HINT: "error",
  CONTEXT: "error",
  STATEMENT: "error",
  FATAL: "fatal",
  PANIC: "fatal",
};

/** Reads a line that PostgreSQL or NATS wrote; nothing for one that goes on from the line before. */
export function parseServerLine(text: string): LogLine | undefined {
  const [, day, time, severity = "", said = ""] = ofPostgres.exec(text) ?? [];
  if (day && time) {
    const level = levels[severity] ?? "debug";
    return { timestamp: `${day}T${time}Z`, level, service: "postgres", message: said };
  }
  const [, year, month, date, clock, short = "", message = ""] = ofNats.exec(text) ?? [];
  if (!year) return undefined;
  const timestamp = `${year}-${month}-${date}T${clock}Z`;
  return { timestamp, level: levels[short] ?? "info", service: "nats", message };
}
