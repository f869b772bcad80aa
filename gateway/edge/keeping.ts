import type { LiveCall } from "#mesh/call/live-call.ts";
import type { Fields } from "#mesh/call/metadata.ts";
import type { Exchange } from "./exchange.ts";
import type { EdgeRoute } from "./route.ts";

/** An answer without its envelope, which can be given again. */
export interface Kept {
  readonly status: number;
  /** JSON. */
  readonly data: string;
  readonly header: Fields;
}

/**
 * Gives an answer that was kept in place of a new one, where contract or client
 * want that, and keeps new ones. `message` is the request in protobuf.
 */
export type Keeping = (
  exchange: Exchange,
  route: EdgeRoute,
  call: LiveCall,
  message: Uint8Array,
  produce: () => Promise<Kept>,
) => Kept | Promise<Kept>;

/** Keeps nothing. */
export const keepNothing: Keeping = (_exchange, _route, _call, _message, produce) => produce();
