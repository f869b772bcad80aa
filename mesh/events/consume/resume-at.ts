import type { ConsumerConfig } from "@nats-io/jetstream";
import { DeliverPolicy } from "@nats-io/jetstream";
import type { Position } from "./positions-store.ts";

/** A stream that lost its end is read again from so long before the last place that was sure. */
const rewindMs = 15 * 60_000;

export interface Found {
  /** How far the last holder was; nothing when there was none. */
  readonly place: Position | undefined;
  /** Where the stream ends now. */
  readonly last: number;
  /** Id of the event that stands at the place now; nothing when there is none any more. */
  readonly idAtPlace: string | undefined;
  readonly from: "kept" | "now";
}

export interface Resumption {
  readonly config: Partial<ConsumerConfig>;
  /** Up to here events may have been begun by a holder that died. */
  readonly suspectUntil: number;
  /** The stream is not what it was. */
  readonly isRewound: boolean;
}

/** Where a consumer that keeps the order begins. */
export function resumeAt({ place, last, idAtPlace, from }: Found): Resumption {
  if (!place) {
    const config = from === "kept" ? { deliver_policy: DeliverPolicy.All } : startingAt(last + 1);
    return { config, suspectUntil: 0, isRewound: false };
  }
  const { sequence, id, reach, savedAt } = place;
  const isOther = idAtPlace !== undefined && id !== "" && idAtPlace !== id;
  if (sequence <= last && !isOther) {
    return { config: startingAt(sequence + 1), suspectUntil: reach, isRewound: false };
  }
  const config = {
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: new Date(savedAt.getTime() - rewindMs).toISOString(),
  };
  return { config, suspectUntil: 0, isRewound: true };
}

const startingAt = (sequence: number): Partial<ConsumerConfig> => ({
  deliver_policy: DeliverPolicy.StartSequence,
  opt_start_seq: sequence,
});
