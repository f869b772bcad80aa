import { BadValue, duration } from "#mesh/config/fields.ts";

const { parse: parseDuration } = duration("");

/** The time that `10m` (ago), `14:30` (today, as this machine has it) or `2026-01-31T14:30Z` means. */
export function parseSince(text: string, nowMs: number): Date | undefined {
  const ago = durationOf(text);
  if (ago !== undefined) return new Date(nowMs - ago);
  const [, hour, minute, second = "0"] = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text) ?? [];
  if (hour !== undefined) {
    const time = new Date(nowMs);
    time.setHours(Number(hour), Number(minute), Number(second), 0);
    const isOne = Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60;
    return isOne ? time : undefined;
  }
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return undefined;
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

function durationOf(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch (error) {
    if (error instanceof BadValue) return undefined;
    throw error;
  }
}
