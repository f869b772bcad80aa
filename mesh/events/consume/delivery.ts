import type { JsMsg } from "@nats-io/jetstream";
import type { EventHead } from "../../messages/cloud-event.ts";
import { forHeader, headOf } from "../../messages/cloud-event.ts";
import { pairsOf } from "../../nats/headers.ts";
import type { Nats } from "../../nats/nats.ts";

/** A message as a consumer gets it. */
export interface Delivery {
  readonly head: EventHead;
  /** Names and values by turns. */
  readonly headers: readonly string[];
  readonly data: Uint8Array;
  /** Without a namespace. */
  readonly subject: string;
  readonly sequence: number;
  /** How often it was delivered, this time included. */
  readonly deliveries: number;
  /** It may have been begun before and have taken the process with it. */
  readonly isSuspect: boolean;
  /** The one consumer that it is for; empty for all. */
  readonly only: string;
}

/** What came from the broker, as a consumer sees it. */
export function deliveryOf(
  message: JsMsg,
  nats: Nats,
  tries: Pick<Delivery, "deliveries" | "isSuspect">,
): Delivery {
  const { headers } = message;
  return {
    head: headOf((name) => headers?.get(name) ?? ""),
    headers: pairsOf(headers),
    data: message.data,
    subject: message.subject.slice(nats.subject("").length),
    sequence: message.seq,
    only: headers?.get(forHeader) ?? "",
    ...tries,
  };
}
