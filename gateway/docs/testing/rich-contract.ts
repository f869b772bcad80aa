import type { DescMessage, DescService, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { createFileRegistry, createRegistry, fromJson } from "@bufbuild/protobuf";
import * as wkt from "@bufbuild/protobuf/wkt";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { file_google_api_annotations } from "#gen/google/api/annotations_pb.js";
import { file_google_api_httpbody } from "#gen/google/api/httpbody_pb.js";
import { file_mesh_v1_options } from "#gen/mesh/v1/options_pb.js";

const imports = [
  wkt.file_google_protobuf_any,
  wkt.file_google_protobuf_duration,
  wkt.file_google_protobuf_empty,
  wkt.file_google_protobuf_field_mask,
  wkt.file_google_protobuf_struct,
  wkt.file_google_protobuf_timestamp,
  wkt.file_google_protobuf_wrappers,
  file_google_api_annotations,
  file_google_api_httpbody,
  file_buf_validate_validate,
  file_mesh_v1_options,
];

/** A method in the JSON form of its options. */
export interface RichMethod {
  readonly name: string;
  readonly input?: string;
  readonly output?: string;
  readonly http?: JsonObject;
  readonly policy?: JsonObject;
  readonly idempotency?: "NO_SIDE_EFFECTS" | "IDEMPOTENT";
  readonly streams?: "in" | "out" | "both";
  readonly deprecated?: boolean;
}

export interface RichContract {
  readonly package?: string;
  readonly service?: string;
  readonly messages?: JsonObject[];
  readonly enums?: JsonObject[];
  readonly methods: readonly RichMethod[];
  /** Comments by the path of source info, such as `6.0`. */
  readonly comments?: Readonly<Record<string, string>>;
}

/** A field; `rules` as in the JSON form of buf.validate.FieldRules. */
export function field(
  name: string,
  number: number,
  type: string,
  rules?: JsonObject,
  more: JsonObject = {},
): JsonObject {
  const { options = {}, ...rest } = more;
  const isType = type.includes(".");
  return {
    name,
    number,
    type: isType ? "TYPE_MESSAGE" : `TYPE_${type}`,
    ...(isType && { typeName: type }),
    label: "LABEL_OPTIONAL",
    jsonName: name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
    options: { ...(options as JsonObject), ...(rules && { "[buf.validate.field]": rules }) },
    ...rest,
  };
}

export const many: JsonObject = { label: "LABEL_REPEATED" };

/** A message; fields marked `proto3Optional` get the oneof that the compiler would give them. */
export function message(name: string, fields: JsonObject[], more: JsonObject = {}): JsonObject {
  const oneofs = (more.oneofDecl as JsonValue[] | undefined) ?? [];
  const optional = fields.filter((it) => it.proto3Optional);
  optional.forEach((it, index) => {
    it.oneofIndex = oneofs.length + index;
  });
  return {
    name,
    field: fields,
    ...more,
    oneofDecl: [...oneofs, ...optional.map((it) => ({ name: `_${it.name}` }))],
  };
}

/** A map: its field and the message of its entries, which goes to `nestedType`. */
export function map(
  within: string,
  name: string,
  number: number,
  [key, value]: [string, JsonObject],
  rules?: JsonObject,
): [JsonObject, JsonObject] {
  const entry = `${name.replace(/(^|_)([a-z0-9])/g, (_, _2, letter: string) => letter.toUpperCase())}Entry`;
  return [
    field(name, number, `.rich.v1.${within}.${entry}`, rules, many),
    { name: entry, field: [field("key", 1, key), value], options: { mapEntry: true } },
  ];
}

const given = { name: "Thing", field: [field("id", 1, "STRING"), field("text", 2, "STRING")] };

/** Makes the contract `<package>.RichService`. */
export function richContract(options: RichContract): {
  contract: DescService;
  messages: Map<string, DescMessage>;
} {
  const { package: name = "rich.v1", service = "rich", messages = [given], enums = [], methods } = options;
  const typeName = (it: string): string => (it.startsWith(".") ? it : `.${name}.${it}`);
  const [first] = messages;
  const usual = String(first?.name);
  const json: JsonObject = {
    name: `${name.replaceAll(".", "/")}/rich.proto`,
    package: name,
    syntax: "proto3",
    dependency: imports.map((it) => it.proto.name),
    messageType: messages,
    enumType: enums,
    service: [
      {
        name: "RichService",
        options: { "[mesh.v1.service]": { name: service, port: 8999 } },
        method: methods.map((it) => ({
          name: it.name,
          inputType: typeName(it.input ?? usual),
          outputType: typeName(it.output ?? usual),
          clientStreaming: it.streams === "in" || it.streams === "both",
          serverStreaming: it.streams === "out" || it.streams === "both",
          options: {
            ...(it.idempotency && { idempotencyLevel: it.idempotency }),
            ...(it.deprecated && { deprecated: true }),
            ...(it.http && { "[google.api.http]": it.http }),
            "[mesh.v1.method]": it.policy ?? { access: { public: true } },
          },
        })),
      },
    ],
    sourceCodeInfo: {
      location: Object.entries(options.comments ?? {}).map(([path, text]) => ({
        path: path.split(".").map(Number),
        span: [0, 0, 0],
        leadingComments: text,
      })),
    },
  };
  const registry = createRegistry(
    file_mesh_v1_options,
    file_buf_validate_validate,
    file_google_api_annotations,
  );
  const proto = fromJson(wkt.FileDescriptorProtoSchema, json, { registry });
  const files = createFileRegistry(proto, (path) => imports.find((it) => it.proto.name === path));
  const contract = files.getService(`${name}.RichService`);
  if (!contract) throw new Error("the rich contract was not built");
  const made = new Map(contract.file.messages.map((it) => [it.name, it]));
  return { contract, messages: made };
}
