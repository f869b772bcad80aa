import type { JsMsg } from "@nats-io/jetstream";
import { pairsOf } from "../nats/headers.ts";
import type { Nats } from "../nats/nats.ts";
import { headOf } from "./cloud-event.ts";
import { forHeader } from "./dead-letters.ts";
import type { Delivery } from "./verdict.ts";

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
