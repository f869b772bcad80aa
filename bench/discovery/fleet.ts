import { subsetSize } from "../../mesh/balance/subset.ts";
import type { Endpoint, Lanes } from "../../mesh/client/endpoint.ts";
import { createEndpoint } from "../../mesh/client/endpoint.ts";
import type { Endpoints } from "../../mesh/client/endpoints.ts";
import { createEndpoints } from "../../mesh/client/endpoints.ts";
import type { Instance } from "../../mesh/discovery/instance.ts";
import type { View } from "../../mesh/discovery/view.ts";
import { createView } from "../../mesh/discovery/view.ts";
import { newId } from "../../mesh/id.ts";

export interface FleetSize {
  readonly services: number;
  /** Of each service. */
  readonly instances: number;
}

const now = () => performance.now();
const noLanes: Lanes = {
  unary: { start: () => () => {}, close: () => {} },
  stream: undefined as never,
  close: () => {},
};

export function createInstances({ services, instances }: FleetSize): Instance[] {
  return Array.from({ length: services * instances }, (_, i) => ({
    id: newId(),
    service: `service-${Math.floor(i / instances)}`,
    host: `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`,
    port: 8012,
    version: "1.0.0",
    weight: 100,
    contracts: "0".repeat(64),
    express: true,
  }));
}

/** What is known of a mesh, and how that changes: no sockets, no broker. */
export function createFleet(instances: readonly Instance[]) {
  const view = createView({ now });
  let revision = 0;
  const announce = (instance: Instance) => void view.put(instance, ++revision);
  for (const instance of instances) announce(instance);
  view.trust();
  return {
    view,
    instances,
    /** As new, or once more. */
    announce,
    withdraw: ({ service, id }: Instance) => view.withdraw(service, id),
  };
}

/** The endpoints of every service, as a process has them that calls them all. */
export function callAll(view: View): Endpoints[] {
  const directory = { instances: view.instances, watch: view.watch, close: () => {} };
  const open = (instance: Instance): Endpoint => createEndpoint({ instance, lanes: noLanes, now });
  return view.services().map((service) =>
    createEndpoints({
      service,
      directory,
      callerId: "caller",
      subsetSize,
      now,
      random: Math.random,
      open,
      dismiss: () => {},
    }),
  );
}
