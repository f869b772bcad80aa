import type { Fields } from "#mesh/call/metadata.ts";
import { eachField } from "#mesh/call/metadata.ts";

/** Where an answer came from. */
export type Source = "HIT" | "MISS" | "STALE";

export interface Shown {
  readonly source: Source;
  /** Since the service was asked. */
  readonly ageMs: number;
  /** What others may keep it for, counted from the same time. */
  readonly maxAgeMs: number;
  readonly staleMs: number;
  /** It is the same for whoever asks. */
  readonly shared: boolean;
  /** The request is one whose answer clients may keep. */
  readonly keepable: boolean;
}

/**
 * The header of an answer that is kept here, for those who keep it next.
 * `max-age` counts from when the service was asked and `age` says how much of
 * it is over: caches subtract one from the other (RFC 9111 §4.2.3).
 */
export function shownHeader(own: Fields, shown: Shown): string[] {
  const { source, ageMs, maxAgeMs, staleMs, shared, keepable } = shown;
  const header = ["x-cache", source];
  eachField(own, (name, value) => {
    // They would say something else than what stands here.
    if (name !== "cache-control" && name !== "expires" && name !== "age") header.push(name, value);
  });
  if (source !== "MISS") header.push("age", seconds(ageMs));
  if (!keepable) return header;
  const stale = staleMs > 0 ? `, stale-if-error=${seconds(staleMs)}` : "";
  header.push("cache-control", `${shared ? "public" : "private"}, max-age=${seconds(maxAgeMs)}${stale}`);
  // It is part of what the service is told.
  header.push("vary", "accept-language");
  return header;
}

const seconds = (ms: number): string => String(Math.max(0, Math.floor(ms / 1000)));
