import { isUtf8 } from "node:buffer";
import type { Registry } from "@bufbuild/protobuf";
import { createRegistry } from "@bufbuild/protobuf";
import type { AnswerField, AnswerPlan } from "./answer-plan.ts";
import { base64Text } from "./base64.ts";
import { foreignText, mergedBinary } from "./by-protobuf-es.ts";
import { LIST, MAP } from "./input-plan.ts";
import { copy, integerText, stringText } from "./json-text.ts";
import * as kinds from "./kinds.ts";
import type { Entry } from "./map-entry.ts";
import { absentKey, findEntry } from "./map-entry.ts";
import type { WireOutput } from "./wire-output.ts";
import { isLong, scalarText, timeText } from "./wire-scalar.ts";
import { Broken, WireScan } from "./wire-scan.ts";

const comma = 0x2c;
const quote = 0x22;
const openObject = 0x7b;
const closeObject = 0x7d;
const openList = 0x5b;
const closeList = 0x5d;

/** Room for any value that is not a string or bytes: the longest is a double or a time. */
const room = 48;

/**
 * Reads protobuf binary in one pass and writes it as proto3 JSON, with no
 * message in between. That works while fields come in the order of their
 * numbers and each once, as all encoders write them; a message where they do
 * not is read again by protobuf-es, which merges them.
 */
export class WireReader {
  readonly #out: WireOutput;
  readonly #scan = new WireScan();
  readonly #entry: Entry = { key: -1, value: -1 };
  #registry: Registry = createRegistry();
  #ascii = true;
  #depth = 0;
  #merging = false;

  constructor(out: WireOutput) {
    this.#out = out;
  }

  /** Reads a message; what it writes is JSON in UTF-8. True when all of it is ASCII. */
  read(source: Buffer, plan: AnswerPlan, registry: Registry): boolean {
    const scan = this.#scan;
    this.#registry = registry;
    this.#ascii = true;
    this.#depth = 0;
    this.#merging = false;
    scan.start(source);
    try {
      this.#content(plan, undefined, source.length);
    } finally {
      scan.stop();
    }
    const out = this.#out;
    // Strings stand apart by quotes, so all are valid when the whole is.
    if (!this.#ascii && !isUtf8(out.bytes.subarray(0, out.at))) throw new Broken("a string is not UTF-8");
    return this.#ascii;
  }

  #content(plan: AnswerPlan, field: AnswerField | undefined, end: number): void {
    const kind = field?.kind ?? plan.kind;
    switch (kind) {
      case kinds.MESSAGE:
        this.#message(plan, end);
        return;
      case kinds.TIMESTAMP:
      case kinds.DURATION:
        timeText(this.#out, this.#scan, kind, end);
        return;
      case kinds.WRAPPER:
        if (field !== undefined) {
          this.#wrapper(field, end);
          return;
        }
        this.#foreign(plan, this.#scan.at, end);
        return;
      default:
        this.#foreign(plan, this.#scan.at, end);
        return;
    }
  }

  #message(plan: AnswerPlan, end: number): void {
    const out = this.#out;
    const scan = this.#scan;
    const { fields } = plan;
    const from = scan.at;
    const start = out.at;
    this.#depth += 1;
    if (this.#depth > kinds.maxDepth) throw new Broken("the answer is nested too deep");
    let odd = plan.odd;
    let next = 0;
    let oneofs = 0;
    while (scan.at < end && !odd) {
      const tag = scan.varint();
      const number = tag >>> 3;
      const wireType = tag & 7;
      if (number === 0) throw new Broken("a field has the number 0");
      let field = fields[next];
      if (field === undefined || field.number !== number) field = plan.find(number);
      if (
        field === undefined ||
        (wireType !== field.wireType && !(field.packable && wireType === kinds.DELIMITED))
      ) {
        scan.skip(wireType, number, end);
        continue;
      }
      // Out of order, repeated, or another field of a oneof: what came before may not stand.
      if (field.index < next || (oneofs & field.oneof) !== 0) {
        odd = true;
        break;
      }
      oneofs |= field.oneof;
      while (next < field.index) this.#absent(fields[next++] as AnswerField);
      next = field.index + 1;
      out.reserve(field.prefix.length + room);
      copy(out, field.prefix);
      const known =
        field.shape === LIST
          ? this.#list(field, tag, end)
          : field.shape === MAP
            ? this.#map(field, tag, end)
            : this.#value(field, field.kind, end);
      if (!known) {
        odd = true;
        break;
      }
    }
    if (odd) {
      out.at = start;
      this.#depth -= 1;
      if (plan.odd || this.#merging) this.#foreign(plan, from, end);
      else this.#merged(plan, from, end);
      this.#depth += 1;
    } else {
      if (scan.at !== end) throw new Broken("a field is longer than its message");
      while (next < fields.length) this.#absent(fields[next++] as AnswerField);
      out.reserve(2);
      // Each field has a comma before it; the first one's becomes the brace.
      if (out.at === start) out.at += 1;
      out.bytes[start] = openObject;
      out.bytes[out.at++] = closeObject;
    }
    this.#depth -= 1;
  }

  #absent({ absent }: AnswerField): void {
    if (absent.length === 0) return;
    this.#out.reserve(absent.length);
    copy(this.#out, absent);
  }

  /** All items that follow on each other, packed or not. */
  #list(field: AnswerField, tag: number, end: number): boolean {
    const out = this.#out;
    const scan = this.#scan;
    const start = out.at;
    let current = tag;
    for (;;) {
      if (field.packable && (current & 7) === kinds.DELIMITED) {
        const to = scan.piece(end);
        while (scan.at < to) if (!this.#item(field, to)) return false;
        if (scan.at !== to) throw new Broken("a list ends inside an item");
      } else if ((current & 7) !== field.wireType) scan.skip(current & 7, field.number, end);
      else if (!this.#item(field, end)) return false;
      if (scan.at >= end) break;
      const here = scan.at;
      current = scan.varint();
      if (current >>> 3 !== field.number) {
        scan.at = here;
        break;
      }
    }
    out.reserve(2);
    if (out.at === start) out.at += 1;
    out.bytes[start] = openList;
    out.bytes[out.at++] = closeList;
    return true;
  }

  #item(field: AnswerField, end: number): boolean {
    const out = this.#out;
    out.reserve(room);
    out.bytes[out.at++] = comma;
    return this.#value(field, field.kind, end);
  }

  /** All entries that follow on each other; false when a key comes twice. */
  #map(field: AnswerField, tag: number, end: number): boolean {
    const out = this.#out;
    const scan = this.#scan;
    const start = out.at;
    let keys: Set<string> | undefined;
    let first = "";
    for (;;) {
      const to = scan.piece(end);
      out.reserve(room);
      out.bytes[out.at++] = comma;
      const from = out.at;
      if (!findEntry(scan, field, to, this.#entry)) return false;
      const { value } = this.#entry;
      this.#mapKey(field, to);
      const key = out.bytes.toString("latin1", from, out.at);
      if (from === start + 1) first = key;
      else {
        keys ??= new Set([first]);
        if (keys.has(key)) return false;
        keys.add(key);
      }
      out.reserve(room);
      out.bytes[out.at++] = 0x3a;
      scan.at = value < 0 ? to : value;
      if (!(value < 0 ? this.#zero(field, to) : this.#value(field, field.kind, to))) return false;
      scan.at = to;
      if (scan.at >= end) break;
      const here = scan.at;
      if (scan.varint() !== tag) {
        scan.at = here;
        break;
      }
    }
    out.reserve(2);
    out.bytes[start] = openObject;
    out.bytes[out.at++] = closeObject;
    return true;
  }

  /** Writes the key of an entry, which JSON has in quotes whatever it is. */
  #mapKey(field: AnswerField, end: number): void {
    const { mapKey } = field;
    const out = this.#out;
    const { key } = this.#entry;
    const quotes = mapKey !== kinds.STRING && !isLong(mapKey);
    if (quotes) out.bytes[out.at++] = quote;
    if (key < 0) copy(out, absentKey(mapKey));
    else {
      this.#scan.at = key;
      this.#value(field, mapKey, end);
    }
    out.reserve(room);
    if (quotes) out.bytes[out.at++] = quote;
  }

  /** The value of a map entry that has none. */
  #zero(field: AnswerField, end: number): boolean {
    if (field.message !== undefined) this.#content(field.message, field, end);
    else {
      this.#out.reserve(field.zero.length + room);
      copy(this.#out, field.zero);
    }
    return true;
  }

  /** Writes one value; false when it is no value for this field. */
  #value(field: AnswerField, kind: kinds.Kind, end: number): boolean {
    const out = this.#out;
    const scan = this.#scan;
    switch (kind) {
      case kinds.STRING: {
        const to = scan.piece(end);
        if (!stringText(out, scan.source, scan.at, to)) this.#ascii = false;
        scan.at = to;
        return true;
      }
      case kinds.ENUM:
        return this.#enum(field);
      case kinds.BYTES: {
        const to = scan.piece(end);
        out.bytes[out.at++] = quote;
        base64Text(out, scan.source, scan.at, to);
        out.reserve(room);
        out.bytes[out.at++] = quote;
        scan.at = to;
        return true;
      }
      case kinds.MESSAGE:
      case kinds.TIMESTAMP:
      case kinds.DURATION:
      case kinds.FIELD_MASK:
      case kinds.WRAPPER:
      case kinds.FOREIGN:
        if (field.message !== undefined) this.#content(field.message, field, scan.piece(end));
        return true;
      default:
        scalarText(out, scan, kind);
        return true;
    }
  }

  #enum(field: AnswerField): boolean {
    const number = this.#scan.varint() | 0;
    const text = field.enumTexts?.get(number);
    if (text !== undefined) {
      this.#out.reserve(text.length + room);
      copy(this.#out, text);
    } else if (field.closed) return false;
    else integerText(this.#out, number);
    return true;
  }

  #wrapper(field: AnswerField, end: number): void {
    const out = this.#out;
    const scan = this.#scan;
    const start = out.at;
    const wanted = 8 | kinds.wireTypeOf(field.inner);
    copy(out, field.zero);
    while (scan.at < end) {
      const tag = scan.varint();
      if (tag !== wanted) scan.skip(tag & 7, tag >>> 3, end);
      else {
        out.at = start;
        out.reserve(room);
        this.#value(field, field.inner, end);
      }
    }
    if (scan.at !== end) throw new Broken("a value is longer than it says");
    out.reserve(room);
  }

  /** Reads what protobuf-es makes of a message: each field once, in order. */
  #merged(plan: AnswerPlan, from: number, end: number): void {
    const scan = this.#scan;
    const { source } = scan;
    const merged = mergedBinary(plan.desc, source.subarray(from, end));
    scan.start(merged);
    this.#merging = true;
    this.#message(plan, merged.length);
    this.#merging = false;
    scan.source = source;
    scan.at = end;
  }

  #foreign(plan: AnswerPlan, from: number, end: number): void {
    const out = this.#out;
    const scan = this.#scan;
    const text = foreignText(plan.desc, scan.source.subarray(from, end), this.#registry, plan.only);
    this.#ascii = false;
    out.reserve(text.length * 3 + room);
    out.at += out.bytes.write(text, out.at);
    scan.at = end;
  }
}
