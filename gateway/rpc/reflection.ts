import type { DescService } from "@bufbuild/protobuf";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { Health } from "#gen/health/v1/health_pb.js";
import { openPolicies } from "#mesh/contract/policy.ts";
import { describeContracts, readContracts } from "#mesh/discovery/contracts.ts";
import { reflection } from "#mesh/reflection/reflection.ts";
import type { RpcOptions } from "#mesh/rpc/rpc.ts";
import { createRpc } from "#mesh/rpc/rpc.ts";
import type { ServedContract } from "../contracts/contracts.ts";
import { publicContracts } from "../contracts/public.ts";
import { together } from "../contracts/together.ts";

export interface ReflectionOptions extends Omit<RpcOptions, "implementations" | "policies"> {
  /** The gateway's own contracts. */
  readonly ownContracts: readonly DescService[];
}

/** Tells grpcurl and `buf curl` what strangers may know of what is served. */
export function createReflection({ ownContracts, ...options }: ReflectionOptions) {
  const own = learned(ownContracts);
  const publicOf = (served: readonly ServedContract[]): readonly DescService[] => {
    const parts = [own, ...served];
    // Each alone, where they do not fit together: better than nothing.
    const all = together(parts);
    return all ? publicContracts(all).contracts : parts.flatMap((it) => publicContracts(it).contracts);
  };
  return (served: readonly ServedContract[]): readonly UniversalHandler[] => {
    const shown = [...publicOf(served), Health];
    const implementations = reflection(shown);
    return createRpc({ ...options, implementations, policies: openPolicies(implementations) }).handlers;
  };
}

/** As if they had come over the wire like all others. */
function learned(contracts: readonly DescService[]): Pick<ServedContract, "contracts" | "registry"> {
  const { hash, bytes } = describeContracts(contracts);
  const registry = readContracts(hash, bytes);
  return { registry, contracts: contracts.flatMap(({ typeName }) => registry.getService(typeName) ?? []) };
}
