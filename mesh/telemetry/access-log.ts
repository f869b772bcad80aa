import { ConnectError } from "@connectrpc/connect";
import type { DestinationStream } from "pino";
import { reasonOf } from "../errors.ts";
import type { Logger } from "../log/logger.ts";
import { createIsoTime } from "./iso-time.ts";
import { jsonText } from "./json-text.ts";
import { createLineBuffer } from "./line-buffer.ts";

/** How a call went. What is absent or empty is left out of the line. */
export interface CallEntry {
  readonly method: string;
  readonly code: string;
  readonly durationMs: number;
  /** Who called or who was called, never empty: `service:order+user:0190…`, `anonymous`, `order`. */
  readonly who: string;
  /** The instance that answered, where another did. */
  readonly instance?: string | undefined;
  /** Address of the other end. */
  readonly peer?: string | undefined;
  readonly requestId?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly traceId?: string | undefined;
  /** How many tries it took; left out when one. */
  readonly attempts?: number | undefined;
  readonly error?: unknown;
}

/** One line for each call in and each call out. */
export interface AccessLog {
  /** A call was answered here. */
  in(entry: CallEntry): void;
  /** A call was made from here. */
  out(entry: CallEntry): void;
  /** Whether lines of calls that went well are written at all. */
  readonly enabled: boolean;
  flush(): void;
  close(): void;
}

export interface AccessLogOptions {
  service: string;
  /** Takes the lines of failures that are ours, cause and stack included; its level goes for all lines. */
  log: Logger;
  /** Where the logger's lines go too. */
  destination: DestinationStream;
  /** Whether calls get lines; failures that are ours always do. Default: true. */
  enabled?: boolean;
  /** Told of lines lost because the destination is slow. Default: only the log is. */
  dropped?: (lines: number) => void;
  /** Milliseconds since 1970. Default: the system's clock. */
  now?: () => number;
}

/** Of a text that a peer wrote, this much is logged. */
const longestText = 2048;
const ours: ReadonlySet<string> = new Set(["internal", "unknown", "data_loss"]);
/** Most texts of a kind of which the JSON is kept. */
const mostKnown = 1000;

export function createAccessLog(options: AccessLogOptions): AccessLog {
  const { service, log, destination, now = Date.now, dropped } = options;
  const enabled = (options.enabled ?? true) && log.isLevelEnabled("info");
  const lines = createLineBuffer({
    destination,
    dropped(count) {
      dropped?.(count);
      log.warn({ lines: count }, "lines of calls were not logged: the destination of the log is slow");
    },
  });
  const isoTime = createIsoTime();
  // Few, long pieces make a line: what counts is how many have to be put together.
  const heads = rememberText((method) =>
    rememberText(
      (code) => `","service":${jsonText(service)},"method":${json(method)},"code":${json(code)},"duration":`,
    ),
  );
  const callers = rememberText((who) => `,"caller":${json(who)}`);
  const callees = rememberText((who) => `,"callee":${json(who)}`);
  const instances = rememberText((instance) => `,"instance":${json(instance)}`);
  const peers = rememberText((peer) => `,"peer":${json(peer)}`);

  const write = (who: string, end: string, entry: CallEntry) => {
    const { instance, peer, requestId, correlationId, traceId, attempts, error } = entry;
    let line = `{"level":"info","timestamp":"${isoTime(now())}${heads(entry.method)(entry.code)}${milliseconds(entry.durationMs)}${who}`;
    if (instance) line += instances(instance);
    if (peer) line += peers(peer);
    if (requestId) line += `,"requestId":${jsonText(requestId)}`;
    if (correlationId) line += `,"correlationId":${jsonText(correlationId)}`;
    if (traceId) line += `,"traceId":${jsonText(traceId)}`;
    if (attempts !== undefined && attempts > 1) line += `,"attempts":${attempts}`;
    if (error !== undefined) line += `,"reason":${json(reasonOf(error))},"error":${json(messageOf(error))}`;
    lines.add(line + end);
  };
  /** The logger's own way: it describes causes and cleans what is personal. */
  const blame = (whoName: "caller" | "callee", entry: CallEntry) => {
    const { durationMs, who, error, attempts, ...rest } = entry;
    // What happened before should stand before.
    lines.flush();
    log.error(
      {
        ...rest,
        duration: round(durationMs),
        [whoName]: who || undefined,
        attempts: attempts === 1 ? undefined : attempts,
        ...(error === undefined ? {} : { reason: reasonOf(error), error: cut(messageOf(error)) }),
        err: causeOf(error),
      },
      "call failed",
    );
  };
  return {
    in(entry) {
      if (ours.has(entry.code)) blame("caller", entry);
      else if (enabled) write(callers(entry.who), ',"message":"call"}\n', entry);
    },
    out(entry) {
      if (enabled) write(callees(entry.who), ',"message":"call out"}\n', entry);
    },
    enabled,
    flush: lines.flush,
    close: lines.close,
  };
}

/** Keeps what was made of texts that come again and again: methods, codes, callers, addresses. */
function rememberText<T>(make: (text: string) => T): (text: string) => T {
  const kept = new Map<string, T>();
  return (text) => {
    const found = kept.get(text);
    if (found !== undefined) return found;
    // Callers are many when users call; starting anew is rare and keeps it small.
    if (kept.size >= mostKnown) kept.clear();
    const made = make(text);
    kept.set(text, made);
    return made;
  };
}

const thousandths = Array.from({ length: 1000 }, (_, it) => `.${String(it).padStart(3, "0")}`);

/** To the microsecond. Whole numbers are written many times faster than fractions. */
function milliseconds(ms: number): string {
  const micros = Math.round(ms * 1000);
  // Also turns away what is no number.
  if (!(micros >= 0 && micros < 2 ** 50)) return "0";
  const rest = micros % 1000;
  return `${(micros - rest) / 1000}${thousandths[rest]}`;
}

/** Three digits after the point are microseconds. */
const round = (ms: number) => (Number.isFinite(ms) ? Math.round(ms * 1000) / 1000 : 0);
const json = (text: string) => jsonText(cut(text));
const cut = (text: string) => (text.length > longestText ? `${text.slice(0, longestText)}…` : text);
const messageOf = (error: unknown) => (error instanceof ConnectError ? error.rawMessage : String(error));
const causeOf = (error: unknown) => (error instanceof ConnectError ? (error.cause ?? error) : error);
