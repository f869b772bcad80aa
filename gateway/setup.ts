import { GatewayService } from "#gen/gateway/v1/gateway_pb.js";
import type { Running } from "#mesh";
import { handlers } from "#mesh";
import type { Given } from "./given.ts";
import type { Gateway } from "./open-gateway.ts";
import { openGateway } from "./open-gateway.ts";
import { gatewayStatus } from "./status/status.ts";

/** The gateway's own contract is answered at once; what is behind it, as soon as the port opens. */
export function setUp(given: Given): Running {
  let gateway: Gateway | undefined;
  return {
    rpc: [
      handlers(
        GatewayService,
        gatewayStatus(() => gateway?.view),
      ),
    ],
    meter: (caller, arrival, record) => gateway?.meter?.(caller, arrival, record),
    front: async (edge) => {
      gateway = await openGateway(given, edge);
      return gateway.front;
    },
    stop: async () => {
      await gateway?.close();
    },
  };
}
