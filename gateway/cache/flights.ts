import type { LiveCall } from "#mesh/call/live-call.ts";
import type { Kept } from "../edge/keeping.ts";

/** How a question to a service ended, for others who ask the same. */
export type Landing =
  | { readonly is: "answered"; readonly kept: Kept; readonly maxAgeMs: number }
  | { readonly is: "failed"; readonly error: unknown }
  /** Who asked went away or had no more time: that says nothing of the answer. */
  | { readonly is: "left" }
  /** The answer is for that one request alone. */
  | { readonly is: "private" };

/** A question under way. */
export interface Flight {
  readonly askedMs: number;
  readonly events: number;
  readonly gaps: number;
  /** Never rejects. */
  readonly landed: Promise<Landing>;
  land(landing: Landing): void;
}

export function takeOff(askedMs: number, events: number, gaps: number): Flight {
  const { promise, resolve } = Promise.withResolvers<Landing>();
  return { askedMs, events, gaps, landed: promise, land: resolve };
}

/** Waits for somebody else's answer, for as long as the own call lasts. */
export async function landingFor(flight: Flight, call: LiveCall): Promise<Landing> {
  if (call.ended !== undefined) throw call.ended;
  const ended = Promise.withResolvers<Landing>();
  const stop = call.onEnd(() => ended.reject(call.ended));
  try {
    return await Promise.race([flight.landed, ended.promise]);
  } finally {
    stop();
  }
}
