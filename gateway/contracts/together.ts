import type { DescFile, DescService, FileRegistry } from "@bufbuild/protobuf";
import { create, createFileRegistry } from "@bufbuild/protobuf";
import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { ServedContract } from "./contracts.ts";

type Part = Pick<ServedContract, "contracts" | "registry">;

/**
 * All that several services serve, in one registry. Each brings the files that
 * its contracts are made of, and so some of others: of those, the one counts that
 * its own service has. Undefined where services of different versions do not fit together.
 */
export function together(parts: readonly Part[]): Part | undefined {
  const files = new Map<string, DescFile>();
  for (const { contracts } of parts) for (const { file } of contracts) files.set(file.proto.name, file);
  for (const { registry } of parts) {
    for (const file of registry.files) if (!files.has(file.proto.name)) files.set(file.proto.name, file);
  }
  const ordered: FileDescriptorProto[] = [];
  const done = new Set<string>();
  const add = (name: string) => {
    const file = files.get(name);
    if (!file || done.has(name)) return;
    done.add(name);
    file.proto.dependency.forEach(add);
    ordered.push(file.proto);
  };
  for (const name of files.keys()) add(name);
  const registry = registryOf(ordered);
  if (!registry) return undefined;
  const contracts = parts.flatMap((part) =>
    part.contracts.flatMap(({ typeName }): DescService[] => {
      const found = registry.getService(typeName);
      return found ? [found] : [];
    }),
  );
  return { registry, contracts };
}

function registryOf(file: FileDescriptorProto[]): FileRegistry | undefined {
  try {
    return createFileRegistry(create(FileDescriptorSetSchema, { file }));
  } catch {
    // A type that one of them names is gone from the version that another has.
    return undefined;
  }
}
