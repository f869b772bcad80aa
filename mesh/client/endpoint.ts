import type { Transport } from "@connectrpc/connect";
import type { PeakEwma } from "../balance/peak-ewma.ts";
import { createPeakEwma } from "../balance/peak-ewma.ts";
import type { Instance } from "../discovery/instance.ts";
import { authorityOf } from "../discovery/instance.ts";
import type { Breaker, BreakerOptions } from "../resilience/breaker.ts";
import { createBreaker } from "../resilience/breaker.ts";
import type { Absence } from "./absence.ts";
import { createAbsence } from "./absence.ts";
import type { UnaryLane } from "./lane.ts";

/** The ways to one instance. */
export interface Lanes {
  readonly unary: UnaryLane;
  /** For calls that stream. */
  readonly stream: Transport;
  /** No further calls; those in flight may end. */
  close(): void;
}

/** An instance as this caller sees it. */
export interface Endpoint {
  readonly instance: Instance;
  /** `order@10.0.0.4:8012` */
  readonly name: string;
  readonly load: PeakEwma;
  readonly breaker: Breaker;
  readonly absence: Absence;
  readonly lanes: Lanes;
}

/**
 * Whether calls may go there now. The state is looked at first, being a field:
 * a pick among many thousands is as slow as the memory that it touches.
 */
export const admits = ({ breaker, absence }: Endpoint): boolean =>
  (breaker.state === "closed" || breaker.admits()) && absence.over;

export interface EndpointOptions extends Pick<BreakerOptions, "policy" | "onChange"> {
  instance: Instance;
  lanes: Lanes;
  now: () => number;
}

export function createEndpoint({ instance, lanes, now, policy, onChange }: EndpointOptions): Endpoint {
  const { service, host, port, weight } = instance;
  return {
    instance,
    name: `${service}@${authorityOf(host, port)}`,
    load: createPeakEwma({ weight, now }),
    breaker: createBreaker({ now, ...(policy && { policy }), ...(onChange && { onChange }) }),
    absence: createAbsence(now),
    lanes,
  };
}
