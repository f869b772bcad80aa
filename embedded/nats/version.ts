/** The oldest server whose JetStream has what the mesh uses. */
export const oldestNats = "2.10.0";

/** `2.14.0` from `nats-server: v2.14.0`; undefined when it says nothing of the kind. */
export function parseVersion(text: string): string | undefined {
  return /\bv?(\d+\.\d+\.\d+)/.exec(text)?.[1];
}

export function isAtLeast(version: string, oldest: string): boolean {
  const [ours, theirs] = [version, oldest].map((text) => text.split(".").map(Number));
  for (const [i, least] of (theirs ?? []).entries()) {
    const part = ours?.[i] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}
