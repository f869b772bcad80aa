import type { DescFile, FileRegistry, JsonObject } from "@bufbuild/protobuf";
import { createFileRegistry, createRegistry, fromJson, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { file_mesh_v1_options } from "#gen/mesh/v1/options_pb.js";
import type { ContractSet } from "#mesh/discovery/contracts.ts";
import { hashOf } from "#mesh/discovery/contracts.ts";

const field = (name: string, number: number, type: string, more: JsonObject = {}): JsonObject => ({
  name,
  number,
  type,
  label: "LABEL_OPTIONAL",
  jsonName: name,
  ...more,
});
const hidden = { options: { debugRedact: true } };
const person = { typeName: ".probe.v1.Person" };

const jsonOf = (queue: string): JsonObject => ({
  name: "probe/v1/jobs.proto",
  package: "probe.v1",
  syntax: "proto3",
  dependency: ["mesh/v1/options.proto", "buf/validate/validate.proto"],
  messageType: [
    {
      name: "Person",
      field: [field("id", 1, "TYPE_STRING"), field("email", 2, "TYPE_STRING", hidden)],
    },
    {
      name: "Greet",
      options: { "[mesh.v1.job]": { queue, maxAttempts: 2, timeout: "90s", backoff: "3s" } },
      field: [
        field("text", 1, "TYPE_STRING", {
          options: { "[buf.validate.field]": { string: { maxLen: "20" } } },
        }),
        field("pin", 2, "TYPE_INT32", hidden),
        field("whom", 3, "TYPE_MESSAGE", person),
        field("others", 4, "TYPE_MESSAGE", { ...person, label: "LABEL_REPEATED" }),
        field("family", 5, "TYPE_MESSAGE", { ...person, ...hidden }),
      ],
    },
    {
      name: "Greeted",
      options: { "[mesh.v1.event]": { subject: "probe.greeted" } },
      field: [field("text", 1, "TYPE_STRING"), field("email", 2, "TYPE_STRING", hidden)],
    },
  ],
});

/** A contract with a job and an event that hold personal data; it exists for tests alone. */
export function probeContracts(queue = "probes"): { registry: FileRegistry; set: ContractSet } {
  const known = new Map<string, DescFile>();
  const add = (file: DescFile) => {
    file.dependencies.forEach(add);
    known.set(file.proto.name, file);
  };
  [file_mesh_v1_options, file_buf_validate_validate].forEach(add);
  const options = createRegistry(...known.values());
  const file = fromJson(FileDescriptorProtoSchema, jsonOf(queue), { registry: options });
  const registry = createFileRegistry(file, (name) => known.get(name));
  const files = [...Array.from(known.values(), (it) => it.proto), file];
  const bytes = toBinary(FileDescriptorSetSchema, {
    $typeName: "google.protobuf.FileDescriptorSet",
    file: files,
  });
  return { registry, set: { hash: hashOf(bytes), bytes } };
}
