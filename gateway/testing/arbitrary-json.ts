import type { DescEnum, DescField, DescMessage, JsonValue } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import * as fc from "fast-check";

type Json = fc.Arbitrary<JsonValue>;

const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.string({ maxLength: 200 }),
);

const numberOrText = (values: fc.Arbitrary<number>): Json =>
  fc.oneof(
    values,
    values.map((it) => String(it)),
  );

const long = (min: bigint, max: bigint): Json =>
  fc.oneof(
    fc.bigInt({ min, max }).map(String),
    fc.constantFrom(min, max, 0n, 9007199254740993n).map(String),
    fc.maxSafeNat(),
  );

const word = fc.constantFrom("NaN", "Infinity", "-Infinity");
const noWords = { noNaN: true, noDefaultInfinity: true } as const;
const float = fc.oneof(
  fc.float(noWords),
  fc.float(noWords).map(String),
  fc.integer(),
  word,
  fc.constant(0.1),
);
const double = fc.oneof(
  fc.double(noWords),
  fc.double(noWords).map(String),
  fc.integer(),
  word,
  fc.constant("-0"),
);
const half = 2n ** 63n;

function scalar(type: ScalarType): Json {
  switch (type) {
    case ScalarType.DOUBLE:
      return double;
    case ScalarType.FLOAT:
      return float;
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return numberOrText(fc.oneof(fc.integer(), fc.constantFrom(-(2 ** 31), 2 ** 31 - 1)));
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return numberOrText(fc.integer({ min: 0, max: 2 ** 32 - 1 }));
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return long(-half, half - 1n);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return long(0n, half * 2n - 1n);
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.STRING:
      return text;
    default:
      return fc
        .tuple(fc.uint8Array({ maxLength: 20 }), fc.constantFrom<BufferEncoding>("base64", "base64url"))
        .map(([bytes, alphabet]) => Buffer.from(bytes).toString(alphabet));
  }
}

const enumValue = (desc: DescEnum): Json =>
  desc.typeName === "google.protobuf.NullValue"
    ? fc.constant(null)
    : fc.oneof(
        fc.constantFrom(...desc.values.map(({ name }) => name)),
        fc.constantFrom(...desc.values.map(({ number }) => number)),
        ...(desc.open ? [fc.integer()] : []),
      );

const struct = fc.dictionary(text, fc.jsonValue({ maxDepth: 2 })) as fc.Arbitrary<JsonValue>;

const wellKnown: Readonly<Record<string, Json>> = {
  "google.protobuf.Timestamp": fc
    .tuple(
      fc.date({
        min: new Date("0001-01-01T00:00:00Z"),
        max: new Date("9999-12-31T23:59:59Z"),
        noInvalidDate: true,
      }),
      fc.constantFrom("Z", ".5Z", ".000001Z", ".123456789Z", "+00:00", ".25-00:00"),
    )
    .map(([date, end]) => date.toISOString().replace(/\.\d+Z$/, end)),
  "google.protobuf.Duration": fc
    .tuple(
      fc.integer({ min: -315_576_000, max: 315_576_000 }),
      fc.constantFrom("", ".5", ".000000001", ".120"),
    )
    .map(([seconds, end]) => `${seconds}${end}s`),
  "google.protobuf.FieldMask": fc
    .array(fc.constantFrom("a", "pageSize", "a.bCd", "x9"))
    .map((it) => it.join(",")),
  "google.protobuf.Struct": struct,
  "google.protobuf.ListValue": fc.array(fc.jsonValue({ maxDepth: 2 })) as fc.Arbitrary<JsonValue>,
  "google.protobuf.Value": fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue>,
  "google.protobuf.Any": fc.oneof(
    fc.record({ "@type": fc.constant("type.googleapis.com/library.v1.Film"), minutes: fc.nat() }),
    fc.record({
      "@type": fc.constant("type.googleapis.com/google.protobuf.Duration"),
      value: fc.constant("3s"),
    }),
  ),
};

function one(field: DescField, depth: number): Json {
  if (field.message) return jsonOf(field.message, depth - 1);
  return field.enum ? enumValue(field.enum) : scalar(field.scalar ?? ScalarType.STRING);
}

/** Kept short of what no JSON object of JavaScript can hold in order. */
const key = (type: ScalarType): fc.Arbitrary<string> =>
  type === ScalarType.STRING ? text : scalar(type).map(String);

function fieldJson(field: DescField, depth: number): Json {
  if (field.fieldKind === "list") return fc.array(one(field, depth), { maxLength: 3 });
  if (field.fieldKind === "map") return fc.dictionary(key(field.mapKey), one(field, depth), { maxKeys: 3 });
  return one(field, depth);
}

/** JSON of a type as proto3 knows it, with names of both kinds and at most one field of each oneof. */
export function jsonOf(desc: DescMessage, depth = 3): Json {
  const known = wellKnown[desc.typeName];
  if (known !== undefined) return known;
  const [inner] = desc.fields;
  if (isWrapperDesc(desc) && inner !== undefined) return one(inner, depth);
  if (depth <= 0) return fc.constant({});
  const taken = fc.subarray([...desc.members], { maxLength: Math.min(12, desc.members.length) });
  return taken.chain((members) => {
    const pairs = members.map((member) => {
      const field = member.kind === "field" ? fc.constant(member) : fc.constantFrom(...member.fields);
      return field.chain((it) => fc.tuple(fc.constantFrom(it.name, it.jsonName), fieldJson(it, depth)));
    });
    return fc.tuple(...pairs).map((it) => Object.fromEntries(it));
  });
}
