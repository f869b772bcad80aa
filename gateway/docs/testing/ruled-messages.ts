import type { JsonObject } from "@bufbuild/protobuf";
import { field, many, map, message } from "./rich-contract.ts";

const text = (name: string, number: number, rules: JsonObject, more: JsonObject = {}, all: JsonObject = {}) =>
  field(name, number, "STRING", { string: rules, ...all }, more);
const optional: JsonObject = { proto3Optional: true };

/** One message for each kind of rules that buf.validate has. */
export const ruledMessages: JsonObject[] = [
  message("Texts", [
    text("short", 1, { minLen: "2", maxLen: "5" }),
    text("exact", 2, { len: "40" }),
    text("bytes", 3, { minBytes: "5", maxBytes: "9" }),
    text("sized", 4, { lenBytes: "12" }),
    text("phone", 5, { pattern: "^(\\+[1-9][0-9]{6,14})?$" }),
    text("slug", 6, { pattern: "^[a-z][a-z0-9_.-]{0,99}$" }),
    text("locale", 7, { pattern: "^([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)$" }),
    text("escaped", 8, { pattern: "^[a-z]+\\-[\\@\\-]x\\_y$" }),
    text("shape", 9, { pattern: "^(cat|dog)s?: \\d{3,}(?:kg|g)$" }),
    text("affixed", 10, { prefix: "pre.", suffix: "*post", contains: "(mid)", minLen: "20" }),
    text("without", 11, { notContains: "without", notIn: ["example"] }),
    text("chosen", 12, { in: ["", "a", "b"] }),
    text("fixed", 13, { const: "v1" }),
    text("shown", 14, { maxLen: "30", example: ["An example"] }),
    text("foreign", 15, { pattern: "(?i)^abc\\z", example: ["ABC"] }),
    text("posix", 16, { pattern: "^[[:alpha:]]*$" }),
    text("maybe", 17, { uuid: true }, {}, { ignore: "IGNORE_IF_ZERO_VALUE" }),
    text("maybe_chosen", 18, { in: ["x", "y"] }, {}, { ignore: "IGNORE_IF_ZERO_VALUE" }),
    text("off", 19, { minLen: "3" }, {}, { ignore: "IGNORE_ALWAYS" }),
    text("optional_email", 20, { email: true }, { ...optional }),
    text("required_optional", 21, { maxLen: "9" }, { ...optional }, { required: true }),
    text("required", 22, { maxLen: "9" }, {}, { required: true }),
    text(
      "celled",
      23,
      {},
      {},
      { cel: [{ id: "even", message: "must be even", expression: "size(this) % 2 == 0" }] },
    ),
    text("secret", 24, { minLen: "1" }, { options: { debugRedact: true } }),
    text("old", 25, {}, { options: { deprecated: true } }),
  ]),
  message(
    "Formats",
    [
      "email",
      "hostname",
      "ip",
      "ipv4",
      "ipv6",
      "uri",
      "uriRef",
      "address",
      "uuid",
      "tuuid",
      "ulid",
      "ipWithPrefixlen",
      "ipv4WithPrefixlen",
      "ipv6WithPrefixlen",
      "ipPrefix",
      "ipv4Prefix",
      "ipv6Prefix",
      "hostAndPort",
      "protobufFqn",
      "protobufDotFqn",
    ]
      .map((it, index) => text(`the_${it.toLowerCase()}`, index + 1, { [it]: true }))
      .concat([
        text("header_name", 30, { wellKnownRegex: "KNOWN_REGEX_HTTP_HEADER_NAME" }),
        text("header_value", 31, { wellKnownRegex: "KNOWN_REGEX_HTTP_HEADER_VALUE" }),
        text("loose_name", 32, { wellKnownRegex: "KNOWN_REGEX_HTTP_HEADER_NAME", strict: false }),
      ]),
  ),
  message("Numbers", [
    field("page", 1, "INT32", { int32: { gte: 0, lte: 500 } }),
    field("above", 2, "INT32", { int32: { gt: 10 } }),
    field("below", 3, "SINT32", { sint32: { lt: -5 } }),
    field("share", 4, "DOUBLE", { double: { gt: 0, lt: 1 } }),
    field("ratio", 5, "FLOAT", { float: { gte: 0.5, finite: true } }),
    field("outside", 6, "INT32", { int32: { lt: 5, gt: 10 } }),
    field("outside_far", 7, "INT64", { int64: { lt: "-5", gt: "10" } }),
    field("long", 8, "INT64", { int64: { gte: "9007199254740993" } }),
    field("unsigned", 9, "UINT64", { uint64: { in: ["3", "4"] } }),
    field("one_of", 10, "FIXED32", { fixed32: { in: [7, 8] } }),
    field("none_of", 11, "SFIXED32", { sfixed32: { notIn: [0, 1] } }),
    field("fixed", 12, "SFIXED64", { sfixed64: { const: "-7" } }),
    field("count", 13, "UINT32", { uint32: { lte: 10 } }),
    field("either", 14, "INT32", { int32: { gte: 5 }, ignore: "IGNORE_IF_ZERO_VALUE" }),
    field("needed", 15, "INT32", { required: true }),
    field("needed_long", 16, "INT64", { required: true }),
    field("agreed", 17, "BOOL", { bool: { const: true } }),
    field("plain", 18, "FIXED64"),
  ]),
  message("Raw", [
    field("free", 1, "BYTES"),
    field("sized", 2, "BYTES", { bytes: { minLen: "3", maxLen: "8" } }),
    field("exact", 3, "BYTES", { bytes: { len: "16" } }),
    field("address", 4, "BYTES", { bytes: { ipv4: true } }),
    field("framed", 5, "BYTES", { bytes: { prefix: "AQI=", suffix: "/w==" } }),
    field("fixed", 6, "BYTES", { bytes: { const: "AQID" } }),
    field("chosen", 7, "BYTES", { bytes: { in: ["AQ==", "Ag=="] } }),
  ]),
  message("Times", [
    field("past", 1, ".google.protobuf.Timestamp", { timestamp: { ltNow: true } }),
    field("future", 2, ".google.protobuf.Timestamp", { timestamp: { gtNow: true }, required: true }),
    field("after", 3, ".google.protobuf.Timestamp", { timestamp: { gte: "2030-01-01T00:00:00Z" } }),
    field("before", 4, ".google.protobuf.Timestamp", { timestamp: { lt: "2000-01-01T00:00:00.5Z" } }),
    field("soon", 5, ".google.protobuf.Timestamp", { timestamp: { within: "60s" } }),
    field("pause", 6, ".google.protobuf.Duration", { duration: { gte: "90s", lte: "3600s" } }),
    field("pick", 7, ".google.protobuf.Duration", { duration: { in: ["1.500s", "2s"] } }),
    field("mask", 8, ".google.protobuf.FieldMask", { fieldMask: { in: ["a", "b"] } }),
    field("limit", 9, ".google.protobuf.Int32Value", { int32: { gte: 5 } }),
    field("name", 10, ".google.protobuf.StringValue"),
    field("anything", 11, ".google.protobuf.Any"),
    field("kind", 12, ".google.protobuf.Any", { any: { in: ["type.googleapis.com/rich.v1.Texts"] } }),
    field("data", 13, ".google.protobuf.Struct"),
    field("value", 14, ".google.protobuf.Value"),
    field("list", 15, ".google.protobuf.ListValue"),
    field("empty", 16, ".google.protobuf.Empty"),
    field("nothing", 17, "ENUM", undefined, { typeName: ".google.protobuf.NullValue" }),
  ]),
  collections(),
  message(
    "Choices",
    [
      field("a", 1, "STRING", undefined, { oneofIndex: 0 }),
      field("b", 2, "INT32", { int32: { gte: 3 } }, { oneofIndex: 0 }),
      field("c", 3, "STRING", undefined, { oneofIndex: 1 }),
      field("d", 4, "BOOL", undefined, { oneofIndex: 1 }),
      field("e", 5, "STRING"),
      field("f", 6, "STRING"),
      field("mood", 7, "ENUM", { enum: { definedOnly: true, notIn: [0] } }, { typeName: ".rich.v1.Mood" }),
      field("any_mood", 8, "ENUM", undefined, { typeName: ".rich.v1.Mood" }),
    ],
    {
      oneofDecl: [
        { name: "first", options: { "[buf.validate.oneof]": { required: true } } },
        { name: "second" },
      ],
      options: { "[buf.validate.message]": { oneof: [{ fields: ["e", "f"], required: true }] } },
    },
  ),
  message("Celled", [field("from", 1, "INT32"), field("to", 2, "INT32")], {
    options: {
      "[buf.validate.message]": {
        cel: [{ id: "order", message: "from must be before to", expression: "this.from < this.to" }],
      },
    },
  }),
  message("Tree", [
    text("label", 1, { minLen: "1" }),
    field("left", 2, ".rich.v1.Tree"),
    field("children", 3, ".rich.v1.Tree", { repeated: { maxItems: "3" } }, many),
  ]),
  message("Endless", [field("next", 1, ".rich.v1.Endless", { required: true })]),
  message("Lenient", [
    field("tree", 1, ".rich.v1.Tree", { ignore: "IGNORE_ALWAYS" }),
    field("strict", 2, ".rich.v1.Tree", { required: true }),
  ]),
];

function collections(): JsonObject {
  const [labels, labelsEntry] = map("Collections", "labels", 10, ["STRING", field("value", 2, "STRING")], {
    map: {
      minPairs: "1",
      maxPairs: "5",
      keys: { string: { minLen: "2" } },
      values: { string: { maxLen: "9" } },
    },
  });
  const [byNumber, byNumberEntry] = map("Collections", "by_number", 11, [
    "INT64",
    field("value", 2, ".rich.v1.Tree"),
  ]);
  const [flags, flagsEntry] = map("Collections", "flags", 12, ["BOOL", field("value", 2, "BYTES")]);
  return message(
    "Collections",
    [
      field(
        "tags",
        1,
        "STRING",
        { repeated: { minItems: "2", maxItems: "4", unique: true, items: { string: { minLen: "1" } } } },
        many,
      ),
      field("ids", 2, "STRING", { repeated: { maxItems: "9", items: { string: { uuid: true } } } }, many),
      field(
        "numbers",
        3,
        "INT32",
        { repeated: { minItems: "3", unique: true, items: { int32: { gte: 5 } } } },
        many,
      ),
      field("required", 4, "STRING", { required: true }, many),
      field(
        "lenient",
        5,
        "STRING",
        { repeated: { items: { string: { email: true }, ignore: "IGNORE_IF_ZERO_VALUE" } } },
        many,
      ),
      field(
        "moods",
        6,
        "ENUM",
        { repeated: { items: { enum: { in: [1, 2] } } } },
        { ...many, typeName: ".rich.v1.Mood" },
      ),
      field("trees", 7, ".rich.v1.Tree", { repeated: { minItems: "1" } }, many),
      field("few_or_none", 8, "INT32", { repeated: { minItems: "2" }, ignore: "IGNORE_IF_ZERO_VALUE" }, many),
      field("times", 9, ".google.protobuf.Timestamp", undefined, many),
      labels,
      byNumber,
      flags,
    ],
    { nestedType: [labelsEntry, byNumberEntry, flagsEntry] },
  );
}

export const ruledEnums: JsonObject[] = [
  {
    name: "Mood",
    value: [
      { name: "MOOD_UNSPECIFIED", number: 0 },
      { name: "MOOD_GOOD", number: 1 },
      { name: "MOOD_BAD", number: 2 },
    ],
  },
];

export const ruledNames: readonly string[] = ruledMessages.map((it) => String(it.name));
