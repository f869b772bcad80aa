import type { DescEnum, DescField, DescMessage, ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";

/** How a value looks on the wire and in JSON. Scalars have the numbers of descriptor.proto. */
export type Kind = number;
export const DOUBLE = 1;
export const FLOAT = 2;
export const INT64 = 3;
export const UINT64 = 4;
export const INT32 = 5;
export const FIXED64 = 6;
export const FIXED32 = 7;
export const BOOL = 8;
export const STRING = 9;
export const MESSAGE = 11;
export const BYTES = 12;
export const UINT32 = 13;
export const ENUM = 14;
export const SFIXED32 = 15;
export const SFIXED64 = 16;
export const SINT32 = 17;
export const SINT64 = 18;
// Messages whose JSON form is not an object of their fields.
export const TIMESTAMP = 19;
export const DURATION = 20;
export const FIELD_MASK = 21;
export const WRAPPER = 22;
/** Struct, Value, ListValue and Any: rare and odd, so left to protobuf-es. */
export const FOREIGN = 23;

export const VARINT = 0;
export const BITS64 = 1;
export const DELIMITED = 2;
export const GROUP = 3;
export const GROUP_END = 4;
export const BITS32 = 5;

/** Deepest nesting of messages, lists and objects that is read in either direction. */
export const maxDepth = 100;

const wellKnown = new Map<string, Kind>([
  ["google.protobuf.Timestamp", TIMESTAMP],
  ["google.protobuf.Duration", DURATION],
  ["google.protobuf.FieldMask", FIELD_MASK],
  ["google.protobuf.Struct", FOREIGN],
  ["google.protobuf.Value", FOREIGN],
  ["google.protobuf.ListValue", FOREIGN],
  ["google.protobuf.Any", FOREIGN],
]);

export const kindOfMessage = (desc: DescMessage): Kind =>
  isWrapperDesc(desc) ? WRAPPER : (wellKnown.get(desc.typeName) ?? MESSAGE);

/** What one value of a field is: of a list an item, of a map a value. */
export function kindOf(field: {
  readonly scalar?: ScalarType | undefined;
  readonly enum?: DescEnum | undefined;
  readonly message?: DescMessage | undefined;
}): Kind {
  if (field.message !== undefined) return kindOfMessage(field.message);
  return field.scalar ?? ENUM;
}

export function wireTypeOf(kind: Kind): number {
  if (kind === DOUBLE || kind === FIXED64 || kind === SFIXED64) return BITS64;
  if (kind === FLOAT || kind === FIXED32 || kind === SFIXED32) return BITS32;
  if (kind === STRING || kind === BYTES || kind === MESSAGE || kind >= TIMESTAMP) return DELIMITED;
  return VARINT;
}

/** The type of a field, where null is a value and not the absence of one. */
export const takesNull = (field: DescField): boolean =>
  field.message?.typeName === "google.protobuf.Value" || field.enum?.typeName === "google.protobuf.NullValue";
