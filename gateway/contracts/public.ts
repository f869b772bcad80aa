import type { DescFile, DescService, FileRegistry } from "@bufbuild/protobuf";
import { clone, create, createFileRegistry } from "@bufbuild/protobuf";
import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { isPublished } from "#mesh/contract/published.ts";
import type { ServedContract } from "./contracts.ts";
import type { Kept, PublicFile } from "./public-file.ts";
import { publicFile } from "./public-file.ts";
import { createOptionFilter } from "./public-options.ts";
import { reachableFrom } from "./reachable.ts";

export interface PublicContracts {
  readonly contracts: DescService[];
  readonly registry: FileRegistry;
}

/**
 * The same contracts without what strangers must not learn: methods that are
 * for services alone, the messages that only those have, and policies that name
 * internals. It is complete in itself, so reflection and API docs may show it
 * all, and calls that are made with it are the same on the wire.
 */
export function publicContracts(served: Pick<ServedContract, "contracts" | "registry">): PublicContracts {
  const { contracts, registry } = served;
  const open = contracts
    .map((it) => ({ contract: it, methods: it.methods.filter(isPublished) }))
    .filter(({ methods }) => methods.length > 0);
  const { messages, enums } = reachableFrom(open);
  const kept: Kept = {
    services: new Map(open.map(({ contract, methods }) => [contract.typeName, methods])),
    types: new Set([...messages.keys(), ...enums.keys()]),
    filter: createOptionFilter(registry),
  };
  const holders = [
    ...open.map(({ contract }) => contract.file),
    ...Array.from(messages.values(), ({ file }) => file),
    ...Array.from(enums.values(), ({ file }) => file),
  ];
  const made = new Map<string, PublicFile>();
  const whole = new Map<string, DescFile>();
  for (const file of new Set(holders)) {
    if (isCommon(file)) addWhole(file, whole);
    else made.set(file.proto.name, publicFile(file, kept));
  }
  for (const { options } of made.values()) for (const file of options) addWhole(file, whole);
  const ordered: FileDescriptorProto[] = [];
  const done = new Set<string>();
  const add = (name: string) => {
    if (done.has(name)) return;
    done.add(name);
    const asIs = whole.get(name)?.proto;
    const proto = asIs ? withoutComments(asIs) : made.get(name)?.proto;
    if (!proto) return;
    proto.dependency.forEach(add);
    ordered.push(proto);
  };
  for (const name of [...made.keys(), ...whole.keys()]) add(name);
  const rebuilt = createFileRegistry(create(FileDescriptorSetSchema, { file: ordered }));
  const shown = open.flatMap(({ contract }) => rebuilt.getService(contract.typeName) ?? []);
  return { contracts: shown, registry: rebuilt };
}

/** What everybody has is shown as it is, with files that declare options: so it is the same for all services. */
const isCommon = ({ proto }: DescFile): boolean => proto.package.startsWith("google.");

function withoutComments(file: FileDescriptorProto): FileDescriptorProto {
  const proto = clone(FileDescriptorProtoSchema, file);
  delete proto.sourceCodeInfo;
  return proto;
}

function addWhole(file: DescFile, whole: Map<string, DescFile>): void {
  if (whole.has(file.proto.name)) return;
  whole.set(file.proto.name, file);
  for (const it of file.dependencies) addWhole(it, whole);
}
