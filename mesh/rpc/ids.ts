import { newId } from "../id.ts";
import type { Metadata } from "./authenticate.ts";
import type { CallIds } from "./record.ts";

/** Longest id we take over from a caller. */
const longestId = 128;

/** What a caller names the call, where that can be taken over; else names of our own. */
export function idsOf(metadata: Metadata): CallIds {
  const requestId = accept(metadata.header("x-request-id")) ?? newId();
  return { requestId, correlationId: accept(metadata.header("x-correlation-id")) ?? requestId };
}

const accept = (id: string | undefined) => (id !== undefined && isId(id) ? id : undefined);

/** `[\w.:-]+`, which is harmless in logs and headers; without the engine of regular expressions. */
function isId(text: string): boolean {
  if (text.length === 0 || text.length > longestId) return false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at) | 0;
    const isLetter = (char | 32) >= 97 && (char | 32) <= 122;
    // Digits and the colon behind them, the hyphen and the point beside each other, the underscore.
    if (!isLetter && !(char >= 48 && char <= 58) && char !== 45 && char !== 46 && char !== 95) return false;
  }
  return true;
}
