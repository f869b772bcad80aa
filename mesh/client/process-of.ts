import type { DescService } from "@bufbuild/protobuf";
import type { Service } from "#gen/mesh/v1/options_pb.js";
import { serviceOf } from "../contract/options.ts";
import { fail } from "../errors.ts";

/** The process that serves a contract, as the contract has it. */
export function processOf(contract: DescService): Service {
  const service = serviceOf(contract);
  if (!service) {
    throw fail.precondition("bad_contract", `${contract.typeName} does not say which process serves it`, {
      remedy: "add option (mesh.v1.service) to it",
    });
  }
  return service;
}
