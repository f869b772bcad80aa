import { createHash } from "node:crypto";
import type { DescFile, DescService, FileRegistry } from "@bufbuild/protobuf";
import { create, createFileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { fail } from "../errors.ts";

/** What a service serves, for those who have no generated code of it: the gateway, the console. */
export interface ContractSet {
  /** SHA-256 of the bytes, in hex. */
  readonly hash: string;
  /** A google.protobuf.FileDescriptorSet with everything that is imported, imports first. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** No contract comes near; whoever reaches the broker could otherwise have us build anything. */
export const mostContractBytes = 1024 * 1024;

export const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/**
 * The same contracts give the same hash, in whatever order they are given. With
 * further files for messages that no contract has: events and jobs.
 */
export function describeContracts(
  contracts: readonly DescService[],
  further: readonly DescFile[] = [],
): ContractSet {
  const files = new Map<string, DescFile>();
  const add = (file: DescFile) => {
    if (files.has(file.proto.name)) return;
    file.dependencies.forEach(add);
    files.set(file.proto.name, file);
  };
  const roots = [...contracts.map(({ file }) => file), ...further];
  roots.sort((a, b) => (a.proto.name < b.proto.name ? -1 : 1)).forEach(add);
  const set = create(FileDescriptorSetSchema, { file: Array.from(files.values(), (it) => it.proto) });
  // Our own options are unknown fields of the descriptors, and written as they came.
  const bytes = toBinary(FileDescriptorSetSchema, set, { writeUnknownFields: true });
  return { hash: hashOf(bytes), bytes };
}

/** Reads a set that is said to have this hash. Throws when it does not, or is not a set. */
export function readContracts(hash: string, bytes: Uint8Array): FileRegistry {
  if (bytes.length > mostContractBytes || hashOf(bytes) !== hash) {
    throw fail.precondition(
      "contracts_forged",
      `contracts ${hash.slice(0, 12)} are not what their hash says`,
      {
        remedy:
          "see who may write to NATS; an instance that serves them puts them right within a day, or when it starts",
      },
    );
  }
  try {
    return createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
  } catch (cause) {
    throw fail.invalid(
      "contracts_unreadable",
      `contracts ${hash.slice(0, 12)} are not a set of descriptors`,
      {
        remedy: "see which instance announces them and what it runs",
        cause,
      },
    );
  }
}
