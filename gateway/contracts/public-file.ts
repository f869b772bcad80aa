import type { DescFile, DescMessage, DescMethod, DescService } from "@bufbuild/protobuf";
import { clone, create } from "@bufbuild/protobuf";
import type {
  DescriptorProto,
  EnumDescriptorProto,
  FileDescriptorProto,
  ServiceDescriptorProto,
} from "@bufbuild/protobuf/wkt";
import {
  DescriptorProtoSchema,
  EnumDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  ServiceDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { file_mesh_v1_options } from "#gen/mesh/v1/options_pb.js";
import type { KeepOptions } from "./public-options.ts";
import { publicMethodOptions, publicServiceOptions } from "./public-options.ts";

/** What of all files is shown. */
export interface Kept {
  readonly services: ReadonlyMap<string, readonly DescMethod[]>;
  /** Messages and enums, by full name. */
  readonly types: ReadonlySet<string>;
  readonly filter: KeepOptions;
}

/** A file that is shown in part, and the files that declare the options it still has. */
export interface PublicFile {
  readonly proto: FileDescriptorProto;
  readonly options: ReadonlySet<DescFile>;
}

/** Builds a file anew with what is kept of it, importing what that needs. */
export function publicFile(file: DescFile, kept: Kept): PublicFile {
  const imports = new Set<DescFile>();
  const options = new Set<DescFile>();
  const filter: Context["filter"] = (of) => kept.filter(of, (extension) => options.add(extension.file));
  const context: Context = { kept, filter, imports };
  const { name, package: pkg, syntax, edition } = file.proto;
  const fileOptions = file.proto.options && clone(FileDescriptorProtoSchema, file.proto).options;
  filter(fileOptions);
  const service = file.services.flatMap((it) => serviceOf(it, context));
  if (service.length > 0) options.add(meshOptionsOf(file));
  const proto = create(FileDescriptorProtoSchema, {
    name,
    package: pkg,
    syntax,
    edition,
    messageType: file.messages.flatMap((it) => messageOf(it, context)),
    enumType: file.enums.filter((it) => kept.types.has(it.typeName)).map((it) => enumOf(it.proto, context)),
    service,
    ...(fileOptions && { options: fileOptions }),
  });
  imports.delete(file);
  proto.dependency = [...new Set([...imports, ...options])].map((it) => it.proto.name).sort();
  return { proto, options };
}

interface Context {
  readonly kept: Kept;
  readonly filter: (options: Parameters<KeepOptions>[0]) => void;
  /** Where the types of kept elements are declared. */
  readonly imports: Set<DescFile>;
}

/** The file of our own options as the contract came with it, so that no file is there twice. */
function meshOptionsOf(file: DescFile): DescFile {
  const name = file_mesh_v1_options.proto.name;
  return file.dependencies.find((it) => it.proto.name === name) ?? file_mesh_v1_options;
}

function serviceOf(contract: DescService, { kept, filter, imports }: Context): ServiceDescriptorProto[] {
  const methods = kept.services.get(contract.typeName);
  if (!methods) return [];
  const proto = clone(ServiceDescriptorProtoSchema, contract.proto);
  filter(proto.options);
  proto.options = publicServiceOptions(contract, proto.options);
  const names = new Set(methods.map((it) => it.name));
  proto.method = proto.method.filter((it) => names.has(it.name));
  for (const method of methods) {
    imports.add(method.input.file).add(method.output.file);
    const shown = proto.method.find((it) => it.name === method.name);
    filter(shown?.options);
    if (shown) shown.options = publicMethodOptions(method, shown.options);
  }
  return [proto];
}

/** A message that is not kept itself may still be where others that are have their names. */
function messageOf(message: DescMessage, context: Context): DescriptorProto[] {
  const { kept, filter, imports } = context;
  const nested = message.nestedMessages.flatMap((it) => messageOf(it, context));
  const enums = message.nestedEnums.filter((it) => kept.types.has(it.typeName));
  const enumType = enums.map((it) => enumOf(it.proto, context));
  if (!kept.types.has(message.typeName)) {
    if (nested.length === 0 && enumType.length === 0) return [];
    return [create(DescriptorProtoSchema, { name: message.name, nestedType: nested, enumType })];
  }
  const proto = clone(DescriptorProtoSchema, message.proto);
  const entries = proto.nestedType.filter((it) => it.options?.mapEntry);
  proto.nestedType = [...entries, ...nested];
  proto.enumType = enumType;
  proto.extension = [];
  proto.reservedName = [];
  filter(proto.options);
  for (const it of proto.field) filter(it.options);
  for (const it of proto.oneofDecl) filter(it.options);
  for (const it of proto.extensionRange) filter(it.options);
  for (const entry of entries) for (const it of entry.field) filter(it.options);
  for (const field of message.fields) {
    const type = field.message ?? field.enum;
    if (type) imports.add(type.file);
  }
  return [proto];
}

function enumOf(desc: EnumDescriptorProto, { filter }: Context): EnumDescriptorProto {
  const proto = clone(EnumDescriptorProtoSchema, desc);
  proto.reservedName = [];
  filter(proto.options);
  for (const it of proto.value) filter(it.options);
  return proto;
}
