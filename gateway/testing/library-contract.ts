import type { DescMessage, DescMethod, FileRegistry, JsonObject } from "@bufbuild/protobuf";
import { createFileRegistry, fromJson } from "@bufbuild/protobuf";
import * as wkt from "@bufbuild/protobuf/wkt";
import { file_google_api_httpbody } from "#gen/google/api/httpbody_pb.js";

const google = "google.protobuf";
const library = "library.v1";

type More = JsonObject;
const field = (name: string, number: number, type: string, more: More = {}): JsonObject => ({
  name,
  number,
  type: `TYPE_${type}`,
  label: "LABEL_OPTIONAL",
  jsonName: name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
  ...more,
});
const message = (name: string, number: number, type: string, more: More = {}): JsonObject =>
  field(name, number, "MESSAGE", {
    typeName: `.${type.includes(".") ? type : `${library}.${type}`}`,
    ...more,
  });
const many: More = { label: "LABEL_REPEATED" };

const scalars = [
  "DOUBLE",
  "FLOAT",
  "INT32",
  "INT64",
  "UINT32",
  "UINT64",
  "SINT32",
  "SINT64",
  "FIXED32",
  "FIXED64",
  "SFIXED32",
  "SFIXED64",
  "BOOL",
  "STRING",
  "BYTES",
];
const keys = scalars.slice(2, -1);

interface Extra {
  optional?: readonly string[];
  nested?: JsonObject[];
  oneofs?: readonly string[];
}

/** A message; the fields named optional get the oneof of their own that the compiler would give them. */
function type(name: string, fields: JsonObject[], { optional = [], nested = [], oneofs = [] }: Extra = {}) {
  const marked = fields.map((it) => {
    const index = optional.indexOf(String(it.name));
    return index < 0 ? it : { ...it, proto3Optional: true, oneofIndex: oneofs.length + index };
  });
  return {
    name,
    field: marked,
    nestedType: nested,
    oneofDecl: [...oneofs, ...optional.map((it) => `_${it}`)].map((it) => ({ name: it })),
  };
}

function mapOf(name: string, number: number, key: string, value: JsonObject): [JsonObject, JsonObject] {
  const entry = `${name.replace(/(^|_)([a-z0-9])/g, (_, _2, letter) => letter.toUpperCase())}Entry`;
  return [
    { ...message(name, number, `${library}.Maps.${entry}`), ...many },
    { name: entry, field: [field("key", 1, key), value], options: { mapEntry: true } },
  ];
}

const maps = [
  ...keys.map((key, index) => mapOf(`by_${key.toLowerCase()}`, index + 1, key, field("value", 2, "STRING"))),
  ...scalars.map((value, index) =>
    mapOf(`to_${value.toLowerCase()}`, index + 20, "STRING", field("value", 2, value)),
  ),
  mapOf("to_genre", 40, "STRING", field("value", 2, "ENUM", { typeName: `.${library}.Genre` })),
  mapOf("to_author", 41, "STRING", message("value", 2, "Author")),
  mapOf("to_time", 42, "INT32", message("value", 2, `${google}.Timestamp`)),
  mapOf("to_maps", 43, "STRING", message("value", 2, "Maps")),
  mapOf("to_wrapped", 44, "BOOL", message("value", 2, `${google}.Int64Value`)),
];

const genre = { typeName: `.${library}.Genre` };
const wrappers = [
  "Double",
  "Float",
  "Int64",
  "UInt64",
  "Int32",
  "UInt32",
  "Bool",
  "String",
  "Bytes",
] as const;

const types: JsonObject[] = [
  type(
    "Scalars",
    scalars.map((it, index) => field(it.toLowerCase(), index + 1, it)),
  ),
  type(
    "Optionals",
    scalars.map((it, index) => field(`maybe_${it.toLowerCase()}`, index + 1, it)),
    { optional: scalars.map((it) => `maybe_${it.toLowerCase()}`) },
  ),
  type("Lists", [
    ...scalars.map((it, index) => field(`${it.toLowerCase()}s`, index + 1, it, many)),
    ...scalars
      .slice(0, -2)
      .map((it, index) =>
        field(`loose_${it.toLowerCase()}s`, index + 21, it, { ...many, options: { packed: false } }),
      ),
    field("genres", 40, "ENUM", { ...genre, ...many }),
    message("authors", 41, "Author", many),
    message("times", 42, `${google}.Timestamp`, many),
    message("wrapped", 43, `${google}.StringValue`, many),
    field("far", 5000, "INT32", many),
  ]),
  type(
    "Maps",
    maps.map(([it]) => it),
    { nested: maps.map(([, entry]) => entry) },
  ),
  type("Author", [
    field("given_name", 1, "STRING"),
    field("family_name", 2, "STRING"),
    field("born", 3, "INT32"),
    message("tree", 4, "Tree"),
  ]),
  type("Tree", [
    field("label", 1, "STRING"),
    message("left", 2, "Tree"),
    message("children", 3, "Tree", many),
  ]),
  type("Film", [field("minutes", 1, "UINT32"), field("title", 2, "STRING")]),
  type(
    "Choice",
    [
      field("number", 1, "INT64", { oneofIndex: 0 }),
      field("text", 2, "STRING", { oneofIndex: 0 }),
      message("author", 3, "Author", { oneofIndex: 0 }),
      message("film", 4, "Film", { oneofIndex: 0 }),
      field("genre", 5, "ENUM", { ...genre, oneofIndex: 0 }),
      message("anything", 6, `${google}.Value`, { oneofIndex: 0 }),
      field("other", 7, "STRING"),
      field("yes", 8, "BOOL", { oneofIndex: 1 }),
      field("no", 9, "BOOL", { oneofIndex: 1 }),
    ],
    { oneofs: ["what", "whether"] },
  ),
  type("Known", [
    message("at", 1, `${google}.Timestamp`),
    message("lasts", 2, `${google}.Duration`),
    message("mask", 3, `${google}.FieldMask`),
    message("struct", 4, `${google}.Struct`),
    message("value", 5, `${google}.Value`),
    message("list", 6, `${google}.ListValue`),
    message("any", 7, `${google}.Any`),
    message("empty", 8, `${google}.Empty`),
    field("nothing", 9, "ENUM", { typeName: `.${google}.NullValue` }),
    message("body", 10, "google.api.HttpBody"),
    message("values", 11, `${google}.Value`, many),
    ...wrappers.map((it, index) => message(`${it.toLowerCase()}_value`, index + 20, `${google}.${it}Value`)),
  ]),
  type(
    "Book",
    [
      field("name", 1, "STRING"),
      field("title", 2, "STRING"),
      field("pages", 3, "INT32"),
      field("isbn", 4, "INT64"),
      message("author", 5, "Author"),
      field("tags", 6, "STRING", many),
      field("genre", 7, "ENUM", genre),
      message("printed_at", 8, `${google}.Timestamp`),
      field("price", 9, "DOUBLE"),
      field("secret_note", 10, "INT32", { options: { debugRedact: true } }),
      field("shelf_mark", 11, "STRING", { jsonName: "where" }),
      field("in_stock", 12, "BOOL"),
      field("rating", 13, "FLOAT"),
      field("cover", 14, "BYTES"),
    ],
    { optional: ["rating"] },
  ),
  type("ListBooksResponse", [message("books", 1, "Book", many), field("next_page_token", 2, "STRING")]),
  type("Filter", [
    field("tag", 1, "STRING"),
    field("years", 2, "INT32", many),
    message("inner", 3, "Filter"),
    field("genre", 4, "ENUM", genre),
  ]),
  type(
    "BookRequest",
    [
      field("shelf", 1, "STRING"),
      message("book", 2, "Book"),
      message("update_mask", 3, `${google}.FieldMask`),
      message("filter", 4, "Filter"),
      field("page_size", 5, "INT32"),
      field("page_token", 6, "STRING"),
      field("genres", 7, "ENUM", { ...genre, ...many }),
      message("since", 8, `${google}.Timestamp`),
      message("within", 9, `${google}.Duration`),
      message("available", 10, `${google}.BoolValue`),
      field("cursor", 11, "BYTES"),
      field("revision", 12, "INT64"),
      field("exact", 13, "BOOL"),
      message("books", 14, "Book", many),
      field("weights", 15, "DOUBLE", many),
      message("extra", 16, `${google}.Struct`),
      message("file", 17, "google.api.HttpBody"),
      field("by_number", 18, "INT64", { oneofIndex: 0 }),
      field("by_text", 19, "STRING", { oneofIndex: 0 }),
      message("by_film", 20, "Film", { oneofIndex: 0 }),
      message("times", 21, `${google}.Timestamp`, many),
      field("floaty", 22, "FLOAT"),
      message("fewest", 23, `${google}.Int64Value`),
      field("order", 24, "UINT64"),
    ],
    { oneofs: ["by"] },
  ),
];

const methods = [
  ["GetBook", "BookRequest", "Book"],
  ["ListBooks", "BookRequest", "ListBooksResponse"],
  ["GetEverything", "Known", "Known"],
  ["Download", "BookRequest", "google.api.HttpBody"],
  ["Upload", "google.api.HttpBody", `${google}.Empty`],
  ["GetChoice", "Choice", "Choice"],
  ["GetScalars", "Optionals", "Scalars"],
].map(([name = "", input = "", output = ""]) => ({
  name,
  inputType: `.${input.includes(".") ? input : `${library}.${input}`}`,
  outputType: `.${output.includes(".") ? output : `${library}.${output}`}`,
}));

const imports = [
  wkt.file_google_protobuf_timestamp,
  wkt.file_google_protobuf_duration,
  wkt.file_google_protobuf_field_mask,
  wkt.file_google_protobuf_struct,
  wkt.file_google_protobuf_any,
  wkt.file_google_protobuf_empty,
  wkt.file_google_protobuf_wrappers,
  file_google_api_httpbody,
];

const enums = [
  {
    name: "Genre",
    value: [
      { name: "GENRE_UNSPECIFIED", number: 0 },
      { name: "GENRE_NOVEL", number: 1 },
      { name: "GENRE_POEMS", number: 2 },
      { name: "GENRE_NEGATIVE", number: -3 },
    ],
  },
];

/** In the older language: closed enums, groups, required fields. */
const older: JsonObject = {
  name: "library/v1/older.proto",
  package: library,
  syntax: "proto2",
  enumType: [
    {
      name: "Colour",
      value: [
        { name: "RED", number: 1 },
        { name: "BLUE", number: 5 },
      ],
    },
  ],
  messageType: [
    {
      name: "Older",
      field: [
        field("colour", 1, "ENUM", { typeName: `.${library}.Colour` }),
        field("colours", 2, "ENUM", { typeName: `.${library}.Colour`, ...many }),
        field("count", 3, "INT32", { defaultValue: "7" }),
        field("inner", 4, "GROUP", { typeName: `.${library}.Older.Inner` }),
        field("inners", 5, "GROUP", { typeName: `.${library}.Older.Inner`, ...many }),
      ],
      nestedType: [{ name: "Inner", field: [field("text", 1, "STRING"), message("older", 2, "Older")] }],
    },
  ],
};

const file: JsonObject = {
  name: "library/v1/library.proto",
  package: library,
  syntax: "proto3",
  dependency: imports.map((it) => `${it.proto.name}`),
  messageType: types,
  enumType: enums,
  service: [{ name: "LibraryService", method: methods }],
};

const build = (json: JsonObject): FileRegistry =>
  createFileRegistry(fromJson(wkt.FileDescriptorProtoSchema, json), (name) =>
    imports.find((it) => it.proto.name === name),
  );

/** Contracts that have every kind of field there is, and exist for tests alone. */
export const libraryRegistry = build(file);
export const olderRegistry = build(older);

const found = <T>(it: T | undefined, name: string): T => {
  if (it === undefined) throw new Error(`the library contract has no ${name}`);
  return it;
};

export const libraryMessage = (name: string): DescMessage =>
  found(libraryRegistry.getMessage(`${library}.${name}`), name);

export const olderMessage = (name: string): DescMessage =>
  found(olderRegistry.getMessage(`${library}.${name}`), name);

export const libraryMethod = (name: string): DescMethod => {
  const service = libraryRegistry.getService(`${library}.LibraryService`);
  return found(
    service?.methods.find((it) => it.name === name),
    name,
  );
};
