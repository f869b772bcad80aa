import { harmless } from "./harmless.ts";
import { paint } from "./terminal.ts";

export interface LogLine {
  readonly timestamp: string;
  readonly level: string;
  readonly service: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export const levels = ["trace", "debug", "info", "warn", "error", "fatal"] as const;

const colours = {
  trace: "dim",
  debug: "dim",
  info: "cyan",
  warn: "yellow",
  error: "red",
  fatal: "red",
} as const;
const shownApart = new Set(["timestamp", "level", "service", "message", "method", "code", "duration", "err"]);

/** Reads a line of a service's log; what is no log line (a crash, a warning of Node) stays text. */
export function parseLine(text: string): LogLine | undefined {
  try {
    const line: unknown = JSON.parse(text);
    return typeof line === "object" && line !== null && "timestamp" in line ? (line as LogLine) : undefined;
  } catch {
    return undefined;
  }
}

export const isAtLeast = (level: string, least: string): boolean =>
  levels.indexOf(level as (typeof levels)[number]) >= levels.indexOf(least as (typeof levels)[number]);

/** One log line for people. */
export function formatLine(line: LogLine): string {
  const colour = colours[line.level as keyof typeof colours] ?? "white";
  const head = `${paint("dim", line.timestamp.slice(11, 23))} ${paint(colour, line.level.padEnd(5))} ${line.service.padEnd(9)}`;
  const call = [line.method, line.code].filter(Boolean).join(" ");
  const took = typeof line.duration === "number" ? ` ${line.duration} ms` : "";
  const rest = Object.entries(line)
    .filter(([name, value]) => !shownApart.has(name) && value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === "object" ? JSON.stringify(value) : String(value)}`);
  const text = `${line.message}${call && ` ${call}`}${took}`;
  return `${head} ${harmless(text)} ${paint("dim", harmless(rest.join(" ")))}${harmless(errorOf(line), "\n")}`.trimEnd();
}

function errorOf({ err }: LogLine): string {
  if (typeof err !== "object" || err === null) return "";
  const { type, message, stack, cause } = err as Record<string, unknown>;
  const why = cause ? `\n    caused by ${JSON.stringify(cause)}` : "";
  return `\n    ${type}: ${message}\n${stack ?? ""}${why}`;
}
