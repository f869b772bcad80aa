/** How many letters differ, two that have changed places counting as one; `limit + 1` for more. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const kept = swapped ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same, kept));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? limit + 1;
}

/** Bounds the work for one error, whatever name was sent and however many there are. */
const longest = 40;
const most = 200;

const plain = (name: string) => name.replaceAll("_", "").toLowerCase();

/** The name that was probably meant, if one is near. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (name.length > longest) return undefined;
  const wanted = plain(name);
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  let best: string | undefined;
  let least = limit + 1;
  for (const one of known.slice(0, most)) {
    const apart = distance(wanted, plain(one), limit);
    if (apart < least) {
      least = apart;
      best = one;
    }
  }
  return best;
}

/** `; did you mean tag?`, or nothing. */
export function suggestion(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return meant === undefined ? "" : `; did you mean ${meant}?`;
}
