import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import type { Random } from "./fuzz-random.ts";

/** Pieces that break parsers more often than any byte does. */
export const spiteful = [
  '"',
  "\\",
  "\\u",
  "\\ud800",
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "null",
  "true",
  "-",
  "1e999",
  "0x10",
  "\u0000",
  "99999999999999999999",
  "\ud83d\ude00",
  "\u2028",
  '{"',
  '":',
  "{}",
  "[[[[",
  "NaN",
  "@type",
  "__proto__",
  "%",
  "%00",
  "%2F",
  "%2e%2e",
  "&",
  "=",
  ".",
  "%ff",
  "\ufeff",
  "'",
  "--",
  "/*",
  ";",
  "$ref",
  "\r\n",
  "1E400",
] as const;

const scalars: Readonly<Record<number, readonly string[]>> = {
  [ScalarType.DOUBLE]: ["0", "-0", "1.5", "1e308", "1e309", '"NaN"', '"Infinity"', '"1.5"', "5e-324"],
  [ScalarType.FLOAT]: ["0", "3.4e38", "3.5e38", '"-Infinity"', "1e-46", "0.1"],
  [ScalarType.INT32]: [
    "0",
    "-1",
    "2147483647",
    "2147483648",
    "-2147483648",
    "1.0",
    '"7"',
    "1e3",
    "1.5",
    '" 1"',
  ],
  [ScalarType.SINT32]: ["0", "-1", "-2147483648"],
  [ScalarType.SFIXED32]: ["0", "-1", "2147483647"],
  [ScalarType.UINT32]: ["0", "4294967295", "4294967296", "-1", '"4294967295"'],
  [ScalarType.FIXED32]: ["0", "4294967295"],
  [ScalarType.INT64]: [
    '"9223372036854775807"',
    '"9223372036854775808"',
    "-1",
    '"-9223372036854775808"',
    "9007199254740993",
    '"0x1"',
    '"01"',
  ],
  [ScalarType.SINT64]: ['"-9223372036854775808"', "0"],
  [ScalarType.SFIXED64]: ['"1"', "0"],
  [ScalarType.UINT64]: ['"18446744073709551615"', '"18446744073709551616"', "0", "-1"],
  [ScalarType.FIXED64]: ['"18446744073709551615"', "0"],
  [ScalarType.BOOL]: ["true", "false", '"true"', "1", "null"],
  [ScalarType.STRING]: [
    '""',
    '"a"',
    '"\\u0000"',
    '"\\ud800"',
    '"\\ud83d\\ude00"',
    '"\u00e9"',
    '"\\/"',
    "null",
    "1",
  ],
  [ScalarType.BYTES]: ['""', '"aGk="', '"aGk"', '"_-8="', '"+/8="', '"a"', '"!!"', '"aGk=="'],
};

const wellKnown: Readonly<Record<string, readonly string[]>> = {
  "google.protobuf.Timestamp": [
    '"2024-02-29T00:00:00Z"',
    '"2023-02-29T00:00:00Z"',
    '"0001-01-01T00:00:00Z"',
    '"9999-12-31T23:59:59.999999999Z"',
    '"2024-01-01T00:00:00+24:00"',
    '"2024-01-01"',
    '"2024-01-01T00:00:60Z"',
  ],
  "google.protobuf.Duration": [
    '"1.5s"',
    '"-0.000000001s"',
    '"315576000000s"',
    '"315576000001s"',
    '"1"',
    '"1.s"',
    '"s"',
  ],
  "google.protobuf.FieldMask": ['"a,bC"', '"a_b"', '""', '"a..b"', '"book.title,shelf"'],
  "google.protobuf.Struct": ["{}", '{"a":[1,{"b":null}]}', '{"a":1,"a":2}', "[]"],
  "google.protobuf.Value": ["null", "1", '{"a":{}}', "[[]]", '"x"'],
  "google.protobuf.ListValue": ["[]", "[1,[2]]", "{}"],
  "google.protobuf.Any": [
    '{"@type":"type.googleapis.com/library.v1.Film","minutes":1}',
    '{"@type":"x"}',
    "{}",
    '{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}',
    '{"@type":"type.googleapis.com/library.v1.Film","@type":"y"}',
  ],
  "google.protobuf.Empty": ["{}", '{"a":1}'],
};

const one = (field: DescField, random: Random, depth: number): string => {
  if (random.oneIn(25)) return random.of(spiteful);
  if (field.message) return jsonFor(field.message, random, depth - 1);
  if (field.enum)
    return random.of([
      ...field.enum.values.map(({ name }) => `"${name}"`),
      "0",
      "-3",
      "77",
      '"NOPE"',
      "null",
    ]);
  return random.of(scalars[field.scalar ?? ScalarType.STRING] ?? ["0"]);
};

const several = (random: Random, make: () => string): string =>
  Array.from({ length: random.below(4) }, make).join();

function fieldValue(field: DescField, random: Random, depth: number): string {
  if (field.fieldKind === "list") return `[${several(random, () => one(field, random, depth))}]`;
  if (field.fieldKind !== "map") return one(field, random, depth);
  const key = () => random.of(["a", "1", "-1", "true", "", "\\u0061", "0", "9223372036854775807"]);
  return `{${several(random, () => `"${key()}":${one(field, random, depth)}`)}}`;
}

/** JSON of a message: mostly as it should be. */
export function jsonFor(desc: DescMessage, random: Random, depth = 3): string {
  const known = wellKnown[desc.typeName];
  if (known) return random.of(known);
  if (desc.typeName.startsWith("google.protobuf.") && desc.fields[0])
    return one(desc.fields[0], random, depth);
  if (depth <= 0 || desc.fields.length === 0) return "{}";
  const parts: string[] = [];
  for (let count = random.below(Math.min(6, desc.fields.length + 1)); count > 0; count--) {
    const field = random.of(desc.fields);
    const name = random.oneIn(30) ? random.of(spiteful) : random.oneIn(2) ? field.name : field.jsonName;
    parts.push(`"${name}":${fieldValue(field, random, depth)}`);
  }
  return `{${parts.join()}}`;
}

/** A query of a message: names down to leaves, and values that may fit. */
export function queryFor(desc: DescMessage, random: Random): string {
  const parts: string[] = [];
  for (let count = random.below(5); count > 0; count--) {
    let field = random.of(desc.fields);
    let name = field.name;
    for (
      let depth = 0;
      depth < 3 && field.message && field.message.fields.length > 0 && !random.oneIn(3);
      depth++
    ) {
      field = random.of(field.message.fields);
      name += `.${random.oneIn(2) ? field.name : field.jsonName}`;
    }
    const value = one(field, random, 1).replace(/^"|"$/g, "");
    parts.push(`${name}=${random.oneIn(10) ? value : encodeURIComponent(value.toWellFormed())}`);
  }
  if (random.oneIn(10)) parts.push(random.of(spiteful));
  return parts.join("&");
}
