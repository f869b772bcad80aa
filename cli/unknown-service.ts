import { fail } from "#mesh/errors.ts";

/** Throws when there are no services of some of these names. */
export function requireKnown(names: readonly string[], known: readonly string[]): void {
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw fail.notFound("unknown_service", `no service is named ${unknown.join(", ")}`, {
    remedy: `there are ${known.join(", ")}`,
  });
}
