import type { LiveCall } from "#mesh/call/live-call.ts";
import { cacheLimits } from "./cache-limits.ts";
import type { CachedRoute } from "./cached-route.ts";
import { whoAsks } from "./who-asks.ts";

/**
 * All that an answer depends on, word for word: no two questions have the same
 * key. Nothing for a question whose answer is not to be kept.
 */
export function keyOf(
  { id }: CachedRoute,
  call: LiveCall,
  language: string | undefined,
  message: Uint8Array,
): string | undefined {
  const { caller, userToken } = call;
  // A public method gets a token that nobody has believed, and may answer by it.
  if (!caller.user && userToken !== "") return undefined;
  if (message.length > cacheLimits.keyChars) return undefined;
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength).toString("latin1");
  // None but the last part can hold a line break.
  const key = `${id}\n${whoAsks(caller)}\n${language ?? ""}\n${bytes}`;
  return key.length > cacheLimits.keyChars ? undefined : key;
}

/** Whether whoever asks gets the same answer. */
export const isShared = ({ isPublic }: CachedRoute, { caller }: LiveCall): boolean =>
  isPublic && !caller.user && !caller.service;
