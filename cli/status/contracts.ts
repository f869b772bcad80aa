import { GatewayService } from "#gen/gateway/v1/gateway_pb.js";
import { asOperator } from "../operator.ts";
import type { Workspace } from "../workspace.ts";

/** A contract that the gateway does not serve, and why. */
export interface RefusedContract {
  readonly service: string;
  readonly problems: readonly string[];
}

export async function refusedContracts(workspace: Workspace): Promise<RefusedContract[]> {
  const gateway = await asOperator(GatewayService, workspace);
  const { contracts } = await gateway.getStatus({});
  return contracts
    .filter(({ status }) => status === "refused")
    .map(({ service, problems }) => ({ service, problems }));
}
