import type { DescFile, DescService, FileRegistry, JsonObject } from "@bufbuild/protobuf";
import { createFileRegistry, createRegistry, fromJson } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { file_google_api_annotations } from "#gen/google/api/annotations_pb.js";
import { file_google_api_httpbody } from "#gen/google/api/httpbody_pb.js";
import { file_mesh_v1_options } from "#gen/mesh/v1/options_pb.js";

export interface TestMethod {
  /** As in the JSON form of google.api.HttpRule. */
  http?: JsonObject;
  /** As in the JSON form of mesh.v1.Method. Default: public. */
  options?: JsonObject | null;
  /** Default: `Request`. */
  input?: string;
  /** Default: `Answer`. */
  output?: string;
  stream?: "in" | "out" | "both";
  idempotency?: "NO_SIDE_EFFECTS" | "IDEMPOTENT";
}

/** A contract file that exists for tests alone. */
export interface TestFile {
  /** Default: `test.v1`. */
  package?: string;
  /** The process that serves it; null: it does not say. Default: `test`. */
  process?: string | null;
  services: Readonly<Record<string, Readonly<Record<string, TestMethod>>>>;
  /** Fields as `name: type = number`; see `fieldOf`. `Request` and `Answer` are there unless they are given. */
  messages?: Readonly<Record<string, readonly string[]>>;
  enums?: Readonly<Record<string, readonly string[]>>;
}

const imports = [
  file_google_api_annotations,
  file_google_api_httpbody,
  file_mesh_v1_options,
  file_buf_validate_validate,
];
const usual = { Request: ["id: string = 1", "text: string = 2"], Answer: ["text: string = 1"] };

export function testRegistry(file: TestFile): FileRegistry {
  const { process = "test", package: name = "test.v1" } = file;
  const known = new Map<string, DescFile>();
  const add = (it: DescFile) => {
    known.set(it.proto.name, it);
    it.dependencies.forEach(add);
  };
  imports.forEach(add);
  const messages = { ...usual, ...file.messages };
  const json: JsonObject = {
    name: `${name.replaceAll(".", "/")}/test.proto`,
    package: name,
    syntax: "proto3",
    dependency: [...known.keys()],
    messageType: messagesOf(name, messages, ""),
    enumType: Object.entries(file.enums ?? {}).map(([it, values]) => ({
      name: it,
      value: values.map((value) => {
        const [text = "", number = "0"] = value.split(" = ");
        return { name: text, number: Number(number) };
      }),
    })),
    service: Object.entries(file.services).map(([it, methods]) => ({
      name: it,
      ...(process && { options: { "[mesh.v1.service]": { name: process, port: 8999 } } }),
      method: Object.entries(methods).map(([method, options]) => methodOf(name, method, options)),
    })),
  };
  const registry = createRegistry(...known.values());
  return createFileRegistry(fromJson(FileDescriptorProtoSchema, json, { registry }), (it) => known.get(it));
}

export function testServices(file: TestFile): DescService[] {
  const prefix = `${file.package ?? "test.v1"}.`;
  return [...testRegistry(file)].filter(
    (it): it is DescService => it.kind === "service" && it.typeName.startsWith(prefix),
  );
}

function methodOf(pkg: string, name: string, method: TestMethod): JsonObject {
  const { http, options = { access: { public: true } }, input = "Request", output = "Answer" } = method;
  return {
    name,
    inputType: typeName(pkg, input),
    outputType: typeName(pkg, output),
    clientStreaming: method.stream === "in" || method.stream === "both",
    serverStreaming: method.stream === "out" || method.stream === "both",
    options: {
      ...(method.idempotency && { idempotencyLevel: method.idempotency }),
      ...(http && { "[google.api.http]": http }),
      ...(options && { "[mesh.v1.method]": options }),
    },
  };
}

const typeName = (pkg: string, name: string) => (name.includes(".") ? `.${name}` : `.${pkg}.${name}`);

/** Those named `<prefix><name>`; `Outer.Inner` is within `Outer`, and a field has it as `test.v1.Outer.Inner`. */
function messagesOf(
  pkg: string,
  all: Readonly<Record<string, readonly string[]>>,
  prefix: string,
): JsonObject[] {
  return Object.entries(all)
    .filter(([name]) => name.startsWith(prefix) && !name.slice(prefix.length).includes("."))
    .map(([name, fields]) =>
      messageOf(pkg, name.slice(prefix.length), fields, messagesOf(pkg, all, `${name}.`)),
    );
}

function messageOf(pkg: string, name: string, fields: readonly string[], nested: JsonObject[]): JsonObject {
  const oneofs: string[] = [];
  const field = fields.map((it) => fieldOf(pkg, name, it, oneofs, nested));
  return { name, field, oneofDecl: oneofs.map((it) => ({ name: it })), nestedType: nested };
}

/** `[repeated ]name: type = number[ oneof x][ json x]`, with a type like `int32`, `Note`, `enum:State`, `map:Note`. */
function fieldOf(
  pkg: string,
  parent: string,
  text: string,
  oneofs: string[],
  nested: JsonObject[],
): JsonObject {
  const parts = /^(repeated )?(\w+): (\S+) = (\d+)(?: oneof (\w+))?(?: json (\w+))?$/.exec(text);
  if (!parts) throw new Error(`"${text}" is not a field`);
  const [, repeated, name = "", type = "", number, oneof, json] = parts;
  if (oneof && !oneofs.includes(oneof)) oneofs.push(oneof);
  const camel = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const common = { name, number: Number(number), jsonName: json ?? camel };
  if (type.startsWith("map:")) {
    const entry = `${camel[0]?.toUpperCase()}${camel.slice(1)}Entry`;
    nested.push({
      name: entry,
      options: { mapEntry: true },
      field: [
        fieldOf(pkg, parent, "key: string = 1", [], []),
        fieldOf(pkg, parent, `value: ${type.slice(4)} = 2`, [], []),
      ],
    });
    const typeName = `.${pkg}.${parent}.${entry}`;
    return { ...common, label: "LABEL_REPEATED", type: "TYPE_MESSAGE", typeName };
  }
  return {
    ...common,
    label: repeated ? "LABEL_REPEATED" : "LABEL_OPTIONAL",
    ...(oneof && { oneofIndex: oneofs.indexOf(oneof) }),
    ...typeOf(pkg, type),
  };
}

function typeOf(pkg: string, type: string): JsonObject {
  if (type.startsWith("enum:")) return { type: "TYPE_ENUM", typeName: typeName(pkg, type.slice(5)) };
  if (/^[a-z0-9]+$/.test(type)) return { type: `TYPE_${type.toUpperCase()}` };
  return { type: "TYPE_MESSAGE", typeName: typeName(pkg, type) };
}
