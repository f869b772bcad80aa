import type { DescService, JsonObject } from "@bufbuild/protobuf";
import { createFileRegistry, createRegistry, fromJson } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { file_mesh_v1_options } from "#gen/mesh/v1/options_pb.js";

/** A method of a contract that exists for tests alone; options as in the JSON form of `mesh.v1.Method`. */
export interface TestMethod {
  options?: JsonObject;
  input?: "stream";
  output?: "stream";
  noSideEffects?: true;
}

export interface TestContract {
  /** Name of the process, or nothing for a contract that does not say. */
  service?: string;
  scopes?: string[];
  methods: Readonly<Record<string, TestMethod>>;
}

const note = ".probe.v1.Note";
const field = (name: string, number: number, type: string, more: JsonObject = {}): JsonObject => ({
  name,
  number,
  type,
  label: "LABEL_OPTIONAL",
  jsonName: name,
  ...more,
});

/** Makes the contract `probe.v1.ProbeService`, whose methods take and give a `Note`. */
export function testContract({ service, scopes = [], methods }: TestContract): DescService {
  const extensions = createRegistry(file_mesh_v1_options, file_buf_validate_validate);
  const json: JsonObject = {
    name: "probe/v1/probe.proto",
    package: "probe.v1",
    syntax: "proto3",
    dependency: ["mesh/v1/options.proto", "buf/validate/validate.proto"],
    messageType: [
      {
        name: "Note",
        field: [
          field("text", 1, "TYPE_STRING", {
            options: { "[buf.validate.field]": { string: { maxLen: "100" } } },
          }),
          field("number", 2, "TYPE_INT64"),
          field("secret", 3, "TYPE_STRING", { options: { debugRedact: true } }),
          field("data", 4, "TYPE_BYTES"),
          field("inner", 5, "TYPE_MESSAGE", { typeName: note }),
          field("notes", 6, "TYPE_MESSAGE", { typeName: note, label: "LABEL_REPEATED" }),
          field("hidden", 7, "TYPE_MESSAGE", { typeName: note, options: { debugRedact: true } }),
        ],
      },
    ],
    service: [
      {
        name: "ProbeService",
        ...(service && { options: { "[mesh.v1.service]": { name: service, port: 8999, scopes } } }),
        method: Object.entries(methods).map(([name, { options, input, output, noSideEffects }]) => ({
          name,
          inputType: note,
          outputType: note,
          clientStreaming: input === "stream",
          serverStreaming: output === "stream",
          options: {
            ...(noSideEffects && { idempotencyLevel: "NO_SIDE_EFFECTS" }),
            ...(options && { "[mesh.v1.method]": options }),
          },
        })),
      },
    ],
  };
  const file = fromJson(FileDescriptorProtoSchema, json, { registry: extensions });
  const imports = [file_mesh_v1_options, file_buf_validate_validate];
  const registry = createFileRegistry(file, (name) => imports.find((it) => `${it.name}.proto` === name));
  const contract = registry.getService("probe.v1.ProbeService");
  if (!contract) throw new Error("the test contract was not built");
  return contract;
}
