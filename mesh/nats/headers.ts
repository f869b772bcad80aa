import type { MsgHdrs } from "@nats-io/transport-node";
import { headers as createHeaders } from "@nats-io/transport-node";

/** Headers of a message, from names and values by turns. */
export function headersOf(pairs: readonly string[]): MsgHdrs {
  const made = createHeaders();
  for (let at = 0; at + 1 < pairs.length; at += 2) made.set(pairs[at] ?? "", pairs[at + 1] ?? "");
  return made;
}

/** Names and values by turns, as they came. */
export function pairsOf(headers: MsgHdrs | undefined): string[] {
  return headers?.keys().flatMap((name) => (name ? [name, headers.get(name)] : [])) ?? [];
}
