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

export interface ReflectionOptions extends Omit<RpcOptions, "implementations" | "policies"> {
  /** The gateway's own contracts. */
  readonly ownContracts: readonly DescService[];
}

/** Tells grpcurl and `buf curl` what strangers may know of what is served. */
export function createReflection({ ownContracts, ...options }: ReflectionOptions) {
  const own = publicContracts(learned(ownContracts)).contracts;
  const known = new WeakMap<ServedContract, readonly DescService[]>();
  const publicOf = (contract: ServedContract): readonly DescService[] => {
    const found = known.get(contract) ?? publicContracts(contract).contracts;
    known.set(contract, found);
    return found;
  };
  return (served: readonly ServedContract[]): readonly UniversalHandler[] => {
    const shown = [...own, ...served.flatMap(publicOf), Health];
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
