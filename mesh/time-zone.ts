/** What a clock on the wall shows. Days beyond a month's end are those of the next. */
export interface LocalTime {
  readonly year: number;
  /** 1 is January. */
  readonly month: number;
  readonly day: number;
  /** Since midnight. */
  readonly minutes: number;
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** An IANA name such as `Africa/Accra`, or an offset such as `+05:30`. */
export function isTimeZone(name: string): boolean {
  try {
    clockOf(name);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Names of places alone: an offset knows no summer time and is mostly meant otherwise. */
export const isPlace = (name: string): boolean => /^[A-Za-z]/.test(name) && isTimeZone(name);

export function localTime(ms: number, timeZone: string): LocalTime {
  const parts = clockOf(timeZone).formatToParts(ms);
  const part = (type: Intl.DateTimeFormatPartTypes) =>
    Number(parts.find((it) => it.type === type)?.value ?? 0);
  return {
    year: part("year"),
    month: part("month"),
    day: part("day"),
    minutes: part("hour") * 60 + part("minute"),
  };
}

/** When a clock shows this: the first time if it does twice, and a moment after the gap if it never does. */
export function instantAt(local: LocalTime, timeZone: string): number {
  const asUtc = asUtcMs(local);
  const offsets = [asUtc - dayMs, asUtc + dayMs].map((ms) => offsetMs(ms, timeZone));
  const [first = asUtc, last = asUtc] = offsets.map((offset) => asUtc - offset).sort((a, b) => a - b);
  const right = [first, last].find((ms) => asUtcMs(localTime(ms, timeZone)) === asUtc);
  return right ?? last;
}

/** 0 is Monday. */
export const weekdayOf = (local: LocalTime): number => (new Date(asUtcMs(local)).getUTCDay() + 6) % 7;

/** How far clocks there are ahead of UTC. */
const offsetMs = (ms: number, timeZone: string) =>
  asUtcMs(localTime(ms, timeZone)) - Math.floor(ms / minuteMs) * minuteMs;

const asUtcMs = ({ year, month, day, minutes }: LocalTime) => Date.UTC(year, month - 1, day, 0, minutes);

/** To make one takes a hundred times as long as to use it. */
const clocks = new Map<string, Intl.DateTimeFormat>();
const mostClocks = 100;

function clockOf(timeZone: string): Intl.DateTimeFormat {
  const known = clocks.get(timeZone);
  if (known) return known;
  const clock = new Intl.DateTimeFormat("en-US", {
    timeZone,
    calendar: "gregory",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
  });
  if (clocks.size >= mostClocks) clocks.clear();
  clocks.set(timeZone, clock);
  return clock;
}
