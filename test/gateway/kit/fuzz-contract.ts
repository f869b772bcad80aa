import type { DescFile, DescService, JsonObject } from "@bufbuild/protobuf";
import { create, createFileRegistry, createRegistry, fromJson } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { file_google_api_annotations } from "#gen/google/api/annotations_pb.js";
import { file_mesh_v1_options } from "#gen/mesh/v1/options_pb.js";
import type { ServiceDefinition } from "#mesh";
import { defineService, handlers } from "#mesh";
import { libraryMessage, olderMessage } from "../../../gateway/testing/library-contract.ts";

/** Messages that are sent and come back: together they have every kind of field. */
export const echoed = [
  "Scalars",
  "Optionals",
  "Lists",
  "Maps",
  "Choice",
  "Known",
  "Tree",
  "Book",
  "BookRequest",
  "Older",
] as const;

interface Given {
  readonly name: string;
  readonly input: string;
  readonly output?: string;
  readonly http: JsonObject;
  readonly stream?: "in" | "out";
  readonly reads?: boolean;
}

const given: readonly Given[] = [
  ...echoed.map(
    (it): Given => ({ name: `Echo${it}`, input: it, http: { post: `/api/v1/echo/${it}`, body: "*" } }),
  ),
  ...["Scalars", "Optionals", "Choice", "BookRequest"].map(
    (it): Given => ({ name: `Get${it}`, input: it, http: { get: `/api/v1/get/${it}` }, reads: true }),
  ),
  {
    name: "GetByPath",
    input: "BookRequest",
    http: {
      get: "/api/v1/shelves/{shelf}/pages/{book.pages}/{revision}",
      additional_bindings: [{ get: "/api/v1/{shelf=shelves/*/rows/*}/all" }],
    },
    reads: true,
  },
  { name: "GetRest", input: "BookRequest", http: { get: "/api/v1/rest/{shelf=**}" }, reads: true },
  { name: "Close", input: "BookRequest", http: { post: "/api/v1/shelves/{shelf}:close", body: "book" } },
  {
    name: "Change",
    input: "BookRequest",
    http: { patch: "/api/v1/books/{book.isbn}", body: "book", response_body: "book" },
  },
  {
    name: "Download",
    input: "BookRequest",
    output: "google.api.HttpBody",
    http: { get: "/api/v1/download/{shelf}" },
    reads: true,
  },
  {
    name: "Upload",
    input: "google.api.HttpBody",
    output: "google.protobuf.Empty",
    http: { post: "/api/v1/upload", body: "*" },
  },
  { name: "UploadPart", input: "BookRequest", http: { post: "/api/v1/upload/{shelf}", body: "file" } },
  {
    name: "Flow",
    input: "BookRequest",
    http: { get: "/api/v1/flow/{page_size}" },
    stream: "out",
    reads: true,
  },
  { name: "Lines", input: "BookRequest", http: { post: "/api/v1/lines", body: "*" }, stream: "in" },
];

const typeName = (name: string) => `.${name.includes(".") ? name : `library.v1.${name}`}`;

function contract(): DescService {
  const known = new Map<string, DescFile>();
  const add = (it: DescFile) => {
    known.set(it.proto.name, it);
    it.dependencies.forEach(add);
  };
  const needed = [
    libraryMessage("Book").file,
    olderMessage("Older").file,
    file_google_api_annotations,
    file_mesh_v1_options,
  ];
  needed.forEach(add);
  const json: JsonObject = {
    name: "fuzz/v1/fuzz.proto",
    package: "fuzz.v1",
    syntax: "proto3",
    dependency: [...known.keys()],
    service: [
      {
        name: "FuzzService",
        options: { "[mesh.v1.service]": { name: "fuzz", port: 8998 } },
        method: given.map(({ name, input, output = input, http, stream, reads }) => ({
          name,
          inputType: typeName(input),
          outputType: typeName(output),
          clientStreaming: stream === "in",
          serverStreaming: stream === "out",
          options: {
            ...(reads && { idempotencyLevel: "NO_SIDE_EFFECTS" }),
            "[google.api.http]": http,
            "[mesh.v1.method]": { access: { public: true }, timeout: "10s" },
          },
        })),
      },
    ],
  };
  const proto = fromJson(FileDescriptorProtoSchema, json, { registry: createRegistry(...known.values()) });
  const found = createFileRegistry(proto, (it) => known.get(it)).getService("fuzz.v1.FuzzService");
  if (!found) throw new Error("the contract has no service");
  return found;
}

export const fuzzContract = contract();

/** Gives back what it gets. */
export function fuzzService(): ServiceDefinition {
  const echo = (it: unknown) => it;
  const answers = Object.fromEntries(fuzzContract.methods.map((it) => [it.localName, echo]));
  const answer = async function* (it: unknown) {
    yield it;
    yield it;
  };
  const all = {
    ...answers,
    download: () => ({
      contentType: "text/plain",
      data: Buffer.from("some text that is long enough for ranges"),
    }),
    upload: () => ({}),
    flow: answer,
    lines: async (messages: AsyncIterable<unknown>) => {
      let last: unknown = create(libraryMessage("BookRequest"));
      for await (const it of messages) last = it;
      return last;
    },
  };
  return defineService({
    name: "fuzz",
    contracts: [fuzzContract],
    setup: () => ({ rpc: [handlers(fuzzContract, all as never)] }),
  });
}
