import type { Fields } from "#mesh/call/metadata.ts";
import { fieldOf } from "#mesh/call/metadata.ts";
import { directivesOf } from "./directives.ts";

/**
 * How long an answer may be kept: as its contract says, or less where the
 * service says so of this one answer; nothing when it may not be kept.
 * `shared` when the answer would be given to whoever asks.
 */
export function keepForMs(header: Fields, maxAgeMs: number, shared: boolean): number | undefined {
  const said = fieldOf(header, "cache-control");
  // A part of something must not stand for the whole.
  if (fieldOf(header, "content-range") !== undefined) return undefined;
  if (said === undefined) return maxAgeMs;
  const directives = directivesOf(said);
  if (directives.has("no-store") || directives.has("no-cache")) return undefined;
  if (shared && directives.has("private")) return undefined;
  const seconds = directives.get("max-age");
  if (seconds === undefined) return maxAgeMs;
  // What is no number is taken for the least, as RFC 9111 §4.2.1 advises.
  const saidMs = /^\d{1,9}$/.test(seconds) ? Number(seconds) * 1000 : 0;
  return saidMs > 0 ? Math.min(saidMs, maxAgeMs) : undefined;
}
