import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { getOption, hasOption } from "@bufbuild/protobuf";
import type { Method, Service } from "#gen/mesh/v1/options_pb.js";
import { method as methodOption, service as serviceOption } from "#gen/mesh/v1/options_pb.js";

/** What a contract says of the process that serves it, if it says so. */
export function serviceOf(contract: DescService): Service | undefined {
  return hasOption(contract, serviceOption) ? getOption(contract, serviceOption) : undefined;
}

/** The mesh's policies of a method, if it has any. */
export function optionsOf(method: DescMethod): Method | undefined {
  return hasOption(method, methodOption) ? getOption(method, methodOption) : undefined;
}

/** The method's name as people and metrics write it: `user.v1.AuthService/Login`. */
export function methodName(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}
