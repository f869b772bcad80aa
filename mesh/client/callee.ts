import type { DescService } from "@bufbuild/protobuf";
import type { Endpoints } from "../config/endpoints.ts";
import { serviceOf } from "../contract/options.ts";
import { fail } from "../errors.ts";

/** The name of the process that serves a contract, and where it is unless told otherwise. */
export function calleeOf(contract: DescService, endpoints: Endpoints): { name: string; url: string } {
  const service = serviceOf(contract);
  if (!service) {
    throw fail.precondition("bad_contract", `${contract.typeName} does not say which process serves it`, {
      remedy: "add option (mesh.v1.service) to it",
    });
  }
  return { name: service.name, url: endpoints[service.name] ?? `http://127.0.0.1:${service.port}` };
}
