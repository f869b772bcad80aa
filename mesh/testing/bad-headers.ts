import type { MsgHdrs } from "@nats-io/transport-node";

/** Headers as a stranger may send them: the server takes what our client would never write. */
export const badHeaders = (text = "NATS/1.0\r\nbad name: 1\r\nce-id: lonely\rreturn\r\n\r\n"): MsgHdrs =>
  ({ encode: () => new TextEncoder().encode(text) }) as unknown as MsgHdrs;
