import type { WeftError } from "../errors.ts";
import { fail } from "../errors.ts";
import type { Endpoint } from "./endpoint.ts";

/** There is nobody to call, for all that is known. */
export const noInstance = (callee: string): WeftError =>
  fail.unavailable("no_instance", `no instance of ${callee} is known`, {
    remedy: `start ${callee}, or name it in WEFT_ENDPOINTS`,
  });

/** Why the instances get no calls, when a breaker is why. */
export function breakerOpen(all: readonly Endpoint[]): WeftError | undefined {
  const shut = all.find(({ breaker }) => !breaker.admits());
  if (!shut) return undefined;
  const more = all.length > 1 ? ` (none of its ${all.length} instances takes calls)` : "";
  return fail.unavailable("breaker_open", `breaker open for ${shut.name}: ${shut.breaker.describe()}${more}`);
}
