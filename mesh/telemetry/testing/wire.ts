import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** A protobuf message read without its schema: field numbers and raw values. */
export interface Raw {
  /** Values of a field, in order; none when it is not there. */
  bytes(field: number): Uint8Array[];
  messages(field: number): Raw[];
  text(field: number): string;
  hex(field: number): string;
  number(field: number): number;
  /** Fixed 64-bit numbers, as integers. */
  fixed(field: number): bigint;
  double(field: number): number;
}

type Value = Uint8Array | bigint | number;

/** Enough of a reader to see what a collector would. */
export function readRaw(bytes: Uint8Array): Raw {
  const reader = new BinaryReader(bytes);
  const fields = new Map<number, Value[]>();
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    fields.set(field, [...(fields.get(field) ?? []), readValue(reader, type)]);
  }
  const all = (field: number) => fields.get(field) ?? [];
  const raw = (field: number) => all(field).filter((it) => it instanceof Uint8Array);
  const first = (field: number) => all(field)[0];
  const fixed = (field: number) => {
    const value = first(field);
    return typeof value === "bigint" ? value : 0n;
  };
  return {
    bytes: raw,
    messages: (field) => raw(field).map(readRaw),
    text: (field) => Buffer.from(raw(field)[0] ?? []).toString(),
    hex: (field) => Buffer.from(raw(field)[0] ?? []).toString("hex"),
    number: (field) => Number(first(field) ?? 0),
    fixed,
    double: (field) => Buffer.from(new BigUint64Array([fixed(field)]).buffer).readDoubleLE(),
  };
}

function readValue(reader: BinaryReader, type: WireType): Value {
  switch (type) {
    case WireType.Varint:
      return BigInt(reader.uint64());
    case WireType.Bit64:
      return BigInt(reader.fixed64());
    case WireType.Bit32:
      return reader.fixed32();
    case WireType.LengthDelimited:
      return reader.bytes();
    default:
      throw new TypeError(`wire type ${type} is not in use`);
  }
}

/** Packed fixed 64-bit numbers. */
export function packed(bytes: Uint8Array | undefined, as: "integer" | "double"): number[] {
  const buffer = Buffer.from(bytes ?? []);
  return Array.from({ length: buffer.length / 8 }, (_, at) =>
    as === "double" ? buffer.readDoubleLE(at * 8) : Number(buffer.readBigUInt64LE(at * 8)),
  );
}
