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

export function isTimeZone(name: string): boolean {
  try {
    clockOf(name);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

export const minutesOf = (time: string): number => {
  const [hours = "0", minutes = "0"] = time.split(":");
  return Number(hours) * 60 + Number(minutes);
};

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
  const [before, after] = [asUtc - dayMs, asUtc + dayMs].map((ms) => asUtc - offsetMs(ms, timeZone)) as [
    number,
    number,
  ];
  const shows = (ms: number) => asUtcMs(localTime(ms, timeZone)) === asUtc;
  const right = [Math.min(before, after), Math.max(before, after)].find(shows);
  return right ?? Math.max(before, after);
}

/** How far clocks there are ahead of UTC. */
const offsetMs = (ms: number, timeZone: string) =>
  asUtcMs(localTime(ms, timeZone)) - Math.floor(ms / minuteMs) * minuteMs;

const asUtcMs = ({ year, month, day, minutes }: LocalTime) => Date.UTC(year, month - 1, day, 0, minutes);

const clockOf = (timeZone: string) =>
  new Intl.DateTimeFormat("en-US", {
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
