import type { DescMethod } from "@bufbuild/protobuf";
import { createFreeNames } from "./free-names.ts";

/**
 * Names operations: `OrderService_CreateOrder`, with `_2` and so on for further
 * bindings of the method. A name that is taken by a service of another package
 * gets the package before it, so that the first keeps the name it had.
 */
export function createOperationIds(): (method: DescMethod) => string {
  const free = createFreeNames([]);
  const owners = new Map<string, string>();
  return (method) => {
    const { name, typeName } = method.parent;
    const owner = owners.get(name) ?? typeName;
    owners.set(name, owner);
    const service = owner === typeName ? name : typeName.replaceAll(".", "_");
    return free(`${service}_${method.name}`);
  };
}
