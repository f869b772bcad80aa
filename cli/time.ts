const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1000],
] as const;

/** A length of time in its largest unit: `5 min`. */
export function lengthOf(ms: number): string {
  const [unit, size] = units.find(([, size]) => ms >= size) ?? ["s", 1000];
  return `${Math.floor(Math.max(0, ms) / size)} ${unit}`;
}

/** `5 min ago`, or `in 5 min`; nothing for no time. */
export function ageOf(time: Date | undefined, now: Date): string {
  if (!time) return "";
  const ms = now.getTime() - time.getTime();
  if (Math.abs(ms) < 1000) return "now";
  return ms < 0 ? `in ${lengthOf(-ms)}` : `${lengthOf(ms)} ago`;
}
