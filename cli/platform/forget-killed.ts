import { forgetInstances } from "#mesh/discovery/instances-bucket.ts";
import type { BrokerPlace } from "../broker.ts";
import { onBroker } from "../broker.ts";

/**
 * Makes our own broker forget the instances of a platform that was killed: it
 * keeps their leases for some seconds, and by now another checkout may answer on their ports.
 */
export const forgetKilled = (place: BrokerPlace): Promise<void> => onBroker(place, forgetInstances);
