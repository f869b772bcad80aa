import { instantAt, localTime } from "#mesh";

export type Digest = "off" | "daily" | "weekly";

const morning = 8 * 60;
const monday = 1;

/** When the next digest goes out: in the morning, where the user is. */
export function digestAt(nowMs: number, digest: Exclude<Digest, "off">, timeZone: string): number {
  const today = localTime(nowMs, timeZone);
  for (let ahead = 0; ; ahead++) {
    const day = { ...today, day: today.day + ahead, minutes: morning };
    const weekday = new Date(Date.UTC(day.year, day.month - 1, day.day)).getUTCDay();
    if (digest === "weekly" && weekday !== monday) continue;
    const atMs = instantAt(day, timeZone);
    if (atMs > nowMs) return atMs;
  }
}
