import { Cron } from "croner";
import { fail, isPlace } from "#mesh";

/** When something is to be done again and again. */
export interface Timing {
  readonly cron: string;
  /** IANA name. */
  readonly timeZone: string;
}

/** Five parts, so that nothing comes more often than each minute but what says seconds on purpose. */
const form = /^\S+(?: +\S+){4,5}$/;

/**
 * The first time after this one; nothing when there is none. A time that clocks
 * skip in spring comes once, when they have been put forward; one that they show
 * twice in autumn comes the first time.
 */
export function nextTime({ cron, timeZone }: Timing, afterMs: number): Date | undefined {
  return compile(cron, timeZone).nextRun(new Date(afterMs)) ?? undefined;
}

/** What is wrong with a timing, as an error of the call that brought it. */
export function requireTiming(timing: Timing, nowMs: number): void {
  requireTimeZone(timing.timeZone);
  let next: Date | undefined;
  try {
    if (!form.test(timing.cron)) throw new Error("it has five parts, or six with seconds in front");
    next = nextTime(timing, nowMs);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replace(/^CronPattern: /, "") : String(cause);
    throw fail.invalid("bad_cron", `cron cannot be read: ${why.slice(0, 300)}`, {
      remedy: "write minute, hour, day of month, month and day of week, such as `30 6 * * 1-5`",
      cause,
    });
  }
  if (next) return;
  throw fail.invalid("bad_cron", `cron "${timing.cron}" names a time that never comes`, {
    remedy: "see whether its day is one that the month has",
  });
}

function requireTimeZone(timeZone: string): void {
  if (isPlace(timeZone)) return;
  throw fail.invalid("bad_time_zone", `time_zone "${timeZone}" is not known`, {
    remedy: "use an IANA name such as Africa/Nairobi, or UTC",
  });
}

const compile = (cron: string, timezone: string): Cron =>
  new Cron(cron, { timezone, mode: "5-or-6-parts", fixedTimeRule: "no-wildcard", paused: true });
