import type { Setup } from "#mesh";
import type { Contracts } from "#mesh/service.ts";
import type { gatewayFields } from "./config.ts";

/** What the gateway is made of, by whoever hosts it. */
export type Given = Setup<Contracts, typeof gatewayFields>;
