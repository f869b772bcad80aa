import { GatewayService } from "#gen/gateway/v1/gateway_pb.js";
import { defineService } from "#mesh";
import { gatewayFields } from "./config.ts";
import { setUp } from "./setup.ts";

export default defineService({
  name: "gateway",
  contracts: [GatewayService],
  edge: true,
  config: gatewayFields,
  setup: setUp,
});
