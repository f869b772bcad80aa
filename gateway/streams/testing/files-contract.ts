import type { DescService, FileRegistry, JsonObject } from "@bufbuild/protobuf";
import { createFileRegistry, createRegistry, fromJson } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { file_google_api_annotations } from "#gen/google/api/annotations_pb.js";
import { file_google_api_httpbody } from "#gen/google/api/httpbody_pb.js";
import { file_mesh_v1_options } from "#gen/mesh/v1/options_pb.js";

const field = (name: string, number: number, type = "STRING", more: JsonObject = {}): JsonObject => ({
  name,
  number,
  type: `TYPE_${type}`,
  label: "LABEL_OPTIONAL",
  jsonName: name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  ...more,
});
const file = (name: string, number: number) =>
  field(name, number, "MESSAGE", { typeName: ".google.api.HttpBody" });

const messageType = [
  {
    name: "Note",
    field: [
      field("text", 1),
      field("number", 2, "INT64"),
      field("event_id", 3),
      field("last_event_id", 4),
      field("data", 5, "BYTES"),
    ],
  },
  {
    name: "Upload",
    field: [
      field("folder", 1),
      field("filename", 2),
      file("file", 3),
      field("copies", 4, "INT32"),
      field("tags", 5, "STRING", { label: "LABEL_REPEATED" }),
    ],
  },
  {
    name: "Receipt",
    field: [
      field("folder", 1),
      field("filename", 2),
      field("content_type", 3),
      field("bytes", 4, "INT64"),
      field("copies", 5, "INT32"),
      field("tags", 6, "STRING", { label: "LABEL_REPEATED" }),
      field("largest", 7, "INT32"),
    ],
  },
  { name: "Wrapped", field: [field("note", 1), file("file", 2)] },
];

const httpBody = ".google.api.HttpBody";
const note = ".files.v1.Note";
const open = { public: true };
const long = "3600s";

interface Method {
  in: string;
  out: string;
  streams: "in" | "out" | "both";
  rule: JsonObject;
  access?: JsonObject;
  timeout?: string;
}

const methods: Readonly<Record<string, Method>> = {
  Count: { in: note, out: note, streams: "out", rule: { get: "/v1/notes" } },
  Search: { in: note, out: note, streams: "out", rule: { post: "/v1/notes:search", body: "*" } },
  Follow: { in: note, out: note, streams: "out", rule: { get: "/v1/notes:follow" }, timeout: long },
  Brief: { in: note, out: note, streams: "out", rule: { get: "/v1/notes:brief" }, timeout: "0.500s" },
  Inner: {
    in: note,
    out: note,
    streams: "out",
    rule: { get: "/v1/notes:inner" },
    access: { services: ["order"] },
  },
  Sum: { in: note, out: note, streams: "in", rule: { post: "/v1/notes/{text}:sum", body: "*" } },
  Chat: {
    in: note,
    out: note,
    streams: "both",
    rule: { post: "/v1/notes:chat", body: "*" },
    timeout: long,
  },
  Download: { in: note, out: httpBody, streams: "out", rule: { get: "/v1/files/{text}" } },
  Wrapped: {
    in: note,
    out: ".files.v1.Wrapped",
    streams: "out",
    rule: { get: "/v1/wrapped/{text}", responseBody: "file" },
  },
  Put: {
    in: ".files.v1.Upload",
    out: ".files.v1.Receipt",
    streams: "in",
    rule: { post: "/v1/folders/{folder}", body: "file" },
    timeout: "120s",
  },
  PutRaw: { in: httpBody, out: ".files.v1.Receipt", streams: "in", rule: { post: "/v1/raw", body: "*" } },
  Convert: { in: httpBody, out: httpBody, streams: "both", rule: { post: "/v1/raw:convert", body: "*" } },
};

const json: JsonObject = {
  name: "files/v1/files.proto",
  package: "files.v1",
  syntax: "proto3",
  dependency: ["mesh/v1/options.proto", "google/api/annotations.proto", "google/api/httpbody.proto"],
  messageType,
  service: [
    {
      name: "FilesService",
      options: { "[mesh.v1.service]": { name: "files", port: 8998 } },
      method: Object.entries(methods).map(
        ([name, { in: input, out, streams, rule, access = open, timeout }]) => ({
          name,
          inputType: input,
          outputType: out,
          clientStreaming: streams !== "out",
          serverStreaming: streams !== "in",
          options: {
            "[google.api.http]": rule,
            "[mesh.v1.method]": { access, ...(timeout && { timeout }) },
          },
        }),
      ),
    },
  ],
};

const extensions = createRegistry(file_mesh_v1_options, file_google_api_annotations);
const imports = [file_mesh_v1_options, file_google_api_annotations, file_google_api_httpbody];

/** A contract with streams of every kind, which exists for tests alone. */
export const filesRegistry: FileRegistry = createFileRegistry(
  fromJson(FileDescriptorProtoSchema, json, { registry: extensions }),
  (name) => imports.find((it) => `${it.name}.proto` === name),
);

const found = filesRegistry.getService("files.v1.FilesService");
if (!found) throw new Error("the contract of files was not built");
export const FilesService: DescService = found;

export interface Note {
  text: string;
  number: bigint;
  eventId: string;
  lastEventId: string;
  data: Uint8Array;
}
export interface Body {
  contentType: string;
  data: Uint8Array;
}
export interface Upload {
  folder: string;
  filename: string;
  file?: Body;
  copies: number;
  tags: string[];
}
