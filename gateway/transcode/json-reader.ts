import type { DescMessage, Registry } from "@bufbuild/protobuf";
import { createRegistry } from "@bufbuild/protobuf";
import { foreignBinary } from "./by-protobuf-es.ts";
import { expectation } from "./expectation.ts";
import type { InputField, InputPlan } from "./input-plan.ts";
import { LIST, MAP } from "./input-plan.ts";
import { decided, givenTwice, unknownName, wantedOf, wrongValue } from "./json-refused.ts";
import { readScalar } from "./json-scalar.ts";
import { JsonScan, quote } from "./json-scan.ts";
import * as kinds from "./kinds.ts";
import { hashStart, hashStep } from "./name-table.ts";
import { Refused } from "./refused.ts";
import { writeText } from "./text-value.ts";
import type { WireOutput } from "./wire-output.ts";

const openObject = 0x7b;
const closeObject = 0x7d;
const openList = 0x5b;
const closeList = 0x5d;
const startOfNull = 0x6e;

/** Most fields and oneofs of which a message keeps in one number which it had. */
const narrow = 31;

/** Where the values that the path gave stand in the output. */
export interface WrittenCaptures {
  /** With the messages around them. */
  readonly whole: number[];
  /** Tag and value alone. */
  readonly from: number[];
  readonly to: number[];
}

const none: WrittenCaptures = { whole: [], from: [], to: [] };

/** Reads proto3 JSON in one pass and writes it as protobuf binary, with no message in between. */
export class JsonReader {
  readonly #out: WireOutput;
  readonly #scan = new JsonScan();
  #registry: Registry = createRegistry();
  #captures = none;

  constructor(out: WireOutput) {
    this.#out = out;
  }

  /** Reads the text of one message. */
  readMessage(source: Buffer, plan: InputPlan, registry: Registry, captures = none): void {
    try {
      this.#begin(source, registry, captures);
      // A type whose JSON is no object of its fields is rare as a whole request.
      if (plan.kind === kinds.MESSAGE) this.#message(plan);
      else this.#foreign(plan.desc);
      this.#finish();
    } finally {
      this.#scan.stop();
    }
  }

  /** Reads the text of the value of a field; null writes nothing. */
  readField(source: Buffer, field: InputField, registry: Registry, captures = none): void {
    try {
      const byte = this.#begin(source, registry, captures);
      if (byte === startOfNull && !field.takesNull) this.#scan.word("null");
      else this.#field(field, byte);
      this.#finish();
    } finally {
      this.#scan.stop();
    }
  }

  #begin(source: Buffer, registry: Registry, captures: WrittenCaptures): number {
    this.#registry = registry;
    this.#captures = captures;
    this.#scan.start(source);
    return this.#scan.space();
  }

  #finish(): void {
    const scan = this.#scan;
    if (scan.space() >= 0) throw scan.bad(`expected the end, found ${scan.found()}`);
  }

  #message(plan: InputPlan): void {
    const scan = this.#scan;
    if (scan.source[scan.at] !== openObject || scan.at >= scan.end) {
      throw wrongValue(scan, undefined, expectation(kinds.MESSAGE));
    }
    scan.deeper();
    let seen = plan.mask;
    const wide = plan.bits > narrow ? marksOf(plan) : undefined;
    if (scan.space() !== closeObject) {
      for (;;) {
        scan.name();
        const field = this.#name(plan);
        const named = scan.at;
        if (wide !== undefined) {
          if (wide[field.bit] === 1) throw givenTwice(named);
          wide[field.bit] = 1;
        } else {
          const bit = 1 << field.bit;
          if ((seen & bit) !== 0) throw givenTwice(named);
          seen |= bit;
        }
        const byte = scan.colon();
        if (byte === startOfNull && !(field.takesNull && field.shape < LIST)) scan.word("null");
        else {
          if (field.group >= 0) {
            if (wide !== undefined) {
              if (wide[field.group] === 1) throw decided(field, named);
              wide[field.group] = 1;
            } else {
              const bit = 1 << field.group;
              if ((seen & bit) !== 0) throw decided(field, named);
              seen |= bit;
            }
          }
          this.#field(field, byte);
        }
        if (!scan.more(closeObject)) break;
      }
    }
    scan.at += 1;
    scan.depth -= 1;
  }

  /** Reads a name and finds its field. The hash is made on the way; a name with escapes is looked up apart. */
  #name(plan: InputPlan): InputField {
    const scan = this.#scan;
    const { source, end } = scan;
    const from = scan.at + 1;
    let hash = hashStart;
    let at = from;
    let byte = at < end ? (source[at] as number) : -1;
    while (byte !== quote && byte !== 0x5c && byte >= 0x20) {
      hash = hashStep(hash, byte);
      at += 1;
      byte = at < end ? (source[at] as number) : -1;
    }
    if (byte === quote) {
      const found = plan.names.find(source, from, at, hash);
      if (found !== undefined) {
        scan.at = at + 1;
        return found;
      }
    }
    scan.string();
    const field = plan.names.lookUp(scan.text, scan.from, scan.to);
    if (field !== undefined) return field;
    throw unknownName(scan, plan);
  }

  #field(field: InputField, byte: number): void {
    const out = this.#out;
    if (field.shape === LIST) {
      this.#list(field, byte);
      return;
    }
    if (field.shape === MAP) {
      this.#map(field, byte);
      return;
    }
    const from = this.#scan.at;
    const start = out.at;
    out.reserve(32);
    out.varint(field.tag);
    this.#payload(field, field.kind, byte);
    if (field.capture >= 0) this.#sameAsPath(field, start, from);
  }

  /** What the path has said needs no second saying, and must not be said otherwise. */
  #sameAsPath(field: InputField, start: number, from: number): void {
    const out = this.#out;
    const first = this.#captures.from[field.capture] ?? 0;
    const behind = this.#captures.to[field.capture] ?? 0;
    if (out.bytes.compare(out.bytes, first, behind, start, out.at) !== 0) {
      throw new Refused("conflicting_field", "is not what the path says", from);
    }
    out.at = start;
  }

  #list(field: InputField, byte: number): void {
    const scan = this.#scan;
    const out = this.#out;
    if (byte !== openList) throw this.#wrong(field, "a list");
    scan.deeper();
    let next = scan.space();
    if (next !== closeList) {
      out.reserve(32);
      if (field.packed) out.varint(field.tag);
      const start = field.packed ? out.open() : 0;
      for (;;) {
        if (next === startOfNull && !field.takesNull) throw this.#wrong(field);
        out.reserve(32);
        if (!field.packed) out.varint(field.tag);
        this.#payload(field, field.kind, next);
        if (!scan.more(closeList)) break;
        next = scan.space();
      }
      if (field.packed) out.close(start);
    }
    scan.at += 1;
    scan.depth -= 1;
  }

  #map(field: InputField, byte: number): void {
    const scan = this.#scan;
    const out = this.#out;
    if (byte !== openObject) throw this.#wrong(field, "an object");
    scan.deeper();
    const keys = new Set<string>();
    if (scan.space() !== closeObject) {
      for (;;) {
        scan.name();
        out.reserve(32);
        out.varint(field.tag);
        const entry = out.open();
        this.#mapKey(field, keys);
        const next = scan.colon();
        if (next === startOfNull && !field.takesNull) throw this.#wrong(field);
        out.reserve(32);
        out.varint(16 | kinds.wireTypeOf(field.kind));
        this.#payload(field, field.kind, next);
        out.close(entry);
        if (!scan.more(closeObject)) break;
      }
    }
    scan.at += 1;
    scan.depth -= 1;
  }

  #mapKey(field: InputField, keys: Set<string>): void {
    const scan = this.#scan;
    const out = this.#out;
    const start = out.at;
    out.varint(8 | kinds.wireTypeOf(field.mapKey));
    scan.string();
    if (!writeText(out, field, field.mapKey, scan.text, scan.from, scan.to)) {
      throw new Refused("bad_value", `expected as a key ${expectation(field.mapKey)}`, scan.at);
    }
    // Keys are the same when they are so on the wire, however they were spelt.
    const key = out.bytes.toString("latin1", start, out.at);
    if (keys.has(key)) throw givenTwice(scan.at);
    keys.add(key);
  }

  #payload(field: InputField, kind: kinds.Kind, byte: number): void {
    const scan = this.#scan;
    const out = this.#out;
    switch (kind) {
      case kinds.STRING:
        if (byte !== quote) throw this.#wrong(field);
        scan.copyString(out);
        return;
      case kinds.MESSAGE: {
        const { message } = field;
        if (byte !== openObject || message === undefined) throw this.#wrong(field);
        if (field.delimited) {
          this.#message(message);
          out.reserve(8);
          // The tag that ends a group is the one that starts it, plus one.
          out.varint(field.tag + 1);
          return;
        }
        const start = out.open();
        this.#message(message);
        out.close(start);
        return;
      }
      case kinds.BOOL:
        if (byte !== 0x74 && byte !== 0x66) throw this.#wrong(field);
        scan.word(byte === 0x74 ? "true" : "false");
        out.bytes[out.at++] = byte === 0x74 ? 1 : 0;
        return;
      case kinds.WRAPPER: {
        const start = out.open();
        out.varint(8 | kinds.wireTypeOf(field.inner));
        this.#payload(field, field.inner, byte);
        out.close(start);
        return;
      }
      case kinds.FOREIGN:
        this.#foreignField(field);
        return;
      case kinds.ENUM:
        if (byte === startOfNull && field.takesNull) {
          scan.word("null");
          out.bytes[out.at++] = 0;
          return;
        }
        this.#scalar(field, kind, byte);
        return;
      default:
        this.#scalar(field, kind, byte);
        return;
    }
  }

  #scalar(field: InputField, kind: kinds.Kind, byte: number): void {
    if (!readScalar(this.#scan, this.#out, field, kind, byte)) throw this.#wrong(field);
  }

  #foreignField(field: InputField): void {
    const { message } = field;
    if (message === undefined) return;
    const start = this.#out.open();
    this.#foreign(message.desc, field.desc.proto.options?.debugRedact);
    this.#out.close(start);
  }

  #foreign(desc: DescMessage, secret = false): void {
    const scan = this.#scan;
    const out = this.#out;
    const from = scan.at;
    scan.skip(true);
    let bytes: Uint8Array;
    try {
      const text = scan.source.toString("utf8", from, scan.at);
      bytes = foreignBinary(desc, text, this.#registry);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const told = secret ? "" : `: ${why.slice(0, 200)}`;
      throw new Refused("bad_value", `not a ${desc.typeName}${told}`, from);
    }
    out.reserve(bytes.length);
    out.bytes.set(bytes, out.at);
    out.at += bytes.length;
  }

  #wrong(field: InputField, wanted = wantedOf(field)): Refused {
    return wrongValue(this.#scan, field, wanted);
  }
}

function marksOf(plan: InputPlan): Uint8Array {
  const marks = new Uint8Array(plan.bits);
  for (const group of plan.given) marks[group] = 1;
  return marks;
}
