import * as kinds from "./kinds.ts";
import { numberEnd, toDouble } from "./numbers.ts";
import { quoted, Refused } from "./refused.ts";
import type { WireOutput } from "./wire-output.ts";

export const quote = 0x22;
const backslash = 0x5c;
const empty: Buffer = Buffer.allocUnsafeSlow(0);
const kept = 64 * 1024;

/** What the letter behind a backslash stands for. */
const escapes = new Map<number, number>([
  [quote, quote],
  [backslash, backslash],
  [0x2f, 0x2f],
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
]);

/** The tokens of JSON (RFC 8259), read strictly from UTF-8 that is known to be valid. */
export class JsonScan {
  source = empty;
  at = 0;
  end = 0;
  depth = 0;
  /** Where the text of the last string read stands: in the source, or unescaped in `#scratch`. */
  text = empty;
  from = 0;
  to = 0;
  #scratch = empty;

  start(source: Buffer): void {
    this.source = source;
    this.at = 0;
    this.end = source.length;
    this.depth = 0;
  }

  /** Lets go of what was read. */
  stop(): void {
    this.source = this.text = empty;
    if (this.#scratch.length > kept) this.#scratch = empty;
  }

  bad(message: string, at = this.at): Refused {
    return new Refused("bad_json", message, at);
  }

  /** Passes over white space; the byte behind it, or -1 at the end. */
  space(): number {
    const { source, end } = this;
    let { at } = this;
    while (at < end) {
      const byte = source[at] as number;
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) {
        this.at = at;
        return byte;
      }
      at += 1;
    }
    this.at = at;
    return -1;
  }

  deeper(): void {
    this.depth += 1;
    if (this.depth > kinds.maxDepth) throw this.bad(`nested deeper than ${kinds.maxDepth} levels`);
    this.at += 1;
  }

  /** What an error says stands here instead. */
  found(): string {
    if (this.at >= this.end) return "the end";
    return quoted(this.source, this.at, Math.min(this.end, this.at + 1));
  }

  /** Passes `true`, `false` or `null`, of which the first letter was seen. */
  word(word: string): void {
    const { source, at } = this;
    for (let i = 0; i < word.length; i += 1) {
      if (source[at + i] !== word.charCodeAt(i)) throw this.bad(`expected ${word}`);
    }
    this.at = at + word.length;
  }

  /** Passes a number; it stands between where it started and `at`. */
  number(): void {
    const to = numberEnd(this.source, this.at, this.end);
    if (to < 0) throw this.bad("not a number of JSON");
    this.at = to;
  }

  /** Reads a string into `text`, `from` and `to`, without copying it where it has no escapes. */
  string(): void {
    const { source, end } = this;
    const from = this.at + 1;
    let at = from;
    while (at < end) {
      const byte = source[at] as number;
      if (byte === quote) {
        this.text = source;
        this.from = from;
        this.to = at;
        this.at = at + 1;
        return;
      }
      if (byte === backslash) break;
      if (byte < 0x20) throw this.bad("a control character in a string is not escaped", at);
      at += 1;
    }
    if (at >= end) throw this.bad("a string does not end");
    this.#unescape(from, at);
  }

  #unescape(from: number, firstEscape: number): void {
    const { source, end } = this;
    // What is left of the source bounds what the string can become.
    if (this.#scratch.length < end - from) this.#scratch = Buffer.allocUnsafeSlow(end - from);
    const scratch = this.#scratch;
    source.copy(scratch, 0, from, firstEscape);
    let to = firstEscape - from;
    this.at = firstEscape;
    for (;;) {
      const byte = this.at < end ? (source[this.at] as number) : -1;
      if (byte < 0x20)
        throw this.bad(byte < 0 ? "a string does not end" : "a control character in a string is not escaped");
      if (byte === backslash) to = this.escape(scratch, to);
      else {
        this.at += 1;
        if (byte === quote) break;
        scratch[to++] = byte;
      }
    }
    this.text = scratch;
    this.from = 0;
    this.to = to;
  }

  /** Copies a string with its length before it; room for it is made here. */
  copyString(out: WireOutput): void {
    const { source, end } = this;
    out.reserve(end - this.at + 16);
    const start = out.open();
    const { bytes } = out;
    let to = start;
    let at = this.at + 1;
    for (;;) {
      const byte = at < end ? (source[at] as number) : -1;
      if (byte === quote) break;
      if (byte === backslash) {
        this.at = at;
        to = this.escape(bytes, to);
        at = this.at;
      } else if (byte < 0x20) {
        throw this.bad(
          byte < 0 ? "a string does not end" : "a control character in a string is not escaped",
          at,
        );
      } else {
        bytes[to++] = byte;
        at += 1;
      }
    }
    this.at = at + 1;
    out.at = to;
    out.close(start);
  }

  /** Writes what the escape at `at` stands for, and passes it. */
  escape(target: Buffer, to: number): number {
    const { source, at } = this;
    const letter = at + 1 < this.end ? (source[at + 1] as number) : -1;
    if (letter !== 0x75) {
      const byte = escapes.get(letter);
      if (byte === undefined) throw this.bad("an escape that JSON does not have");
      target[to] = byte;
      this.at = at + 2;
      return to + 1;
    }
    let point = this.#hex(at + 2);
    this.at = at + 6;
    if (point >= 0xd800 && point <= 0xdfff) {
      const paired = point < 0xdc00 && source[at + 6] === backslash && source[at + 7] === 0x75;
      const low = paired ? this.#hex(at + 8) : 0;
      if (low < 0xdc00 || low > 0xdfff) throw this.bad("half of a surrogate pair", at);
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
      this.at = at + 12;
    }
    return writePoint(target, to, point);
  }

  #hex(from: number): number {
    let value = 0;
    for (let at = from; at < from + 4; at += 1) {
      const byte = at < this.end ? (this.source[at] as number) : -1;
      const lower = byte | 0x20;
      const digit =
        byte >= 48 && byte <= 57 ? byte - 48 : lower >= 97 && lower <= 102 && byte > 0 ? lower - 87 : -1;
      if (digit < 0) throw this.bad("\\u without four hexadecimal digits");
      value = value * 16 + digit;
    }
    return value;
  }

  /** Passes a value of any kind, checking its form; `finite` refuses numbers that no double can be. */
  skip(finite = false): void {
    const byte = this.space();
    if (byte === quote) {
      this.string();
      return;
    }
    if (byte === 0x7b || byte === 0x5b) {
      this.#skipMembers(byte === 0x7b, finite);
      return;
    }
    if (byte === 0x74) {
      this.word("true");
      return;
    }
    if (byte === 0x66) {
      this.word("false");
      return;
    }
    if (byte === 0x6e) {
      this.word("null");
      return;
    }
    if (byte !== 0x2d && (byte < 48 || byte > 57)) throw this.bad(`expected a value, found ${this.found()}`);
    const from = this.at;
    this.number();
    if (finite && !Number.isFinite(toDouble(this.source, from, this.at))) {
      throw new Refused("bad_value", "a number is too large", from);
    }
  }

  #skipMembers(named: boolean, finite: boolean): void {
    const close = named ? 0x7d : 0x5d;
    this.deeper();
    if (this.space() !== close) {
      for (;;) {
        if (named) {
          this.name();
          this.string();
          this.colon();
        }
        this.skip(finite);
        if (!this.more(close)) break;
      }
    }
    this.at += 1;
    this.depth -= 1;
  }

  /** Asserts that a name starts here. */
  name(): void {
    if (this.space() !== quote) throw this.bad(`expected a name in quotes, found ${this.found()}`);
  }

  /** Passes the colon behind a name; the byte with which the value starts. */
  colon(): number {
    if (this.space() !== 0x3a) throw this.bad(`expected a colon, found ${this.found()}`);
    this.at += 1;
    return this.space();
  }

  /** Passes a comma; false at the end of the object or list, which is left to pass. */
  more(close: number): boolean {
    const byte = this.space();
    if (byte === close) return false;
    if (byte !== 0x2c)
      throw this.bad(`expected a comma or ${String.fromCharCode(close)}, found ${this.found()}`);
    this.at += 1;
    return true;
  }
}

function writePoint(target: Buffer, at: number, point: number): number {
  let to = at;
  if (point < 0x80) target[to++] = point;
  else {
    if (point < 0x800) target[to++] = 0xc0 | (point >> 6);
    else {
      if (point < 0x10000) target[to++] = 0xe0 | (point >> 12);
      else {
        target[to++] = 0xf0 | (point >> 18);
        target[to++] = 0x80 | ((point >> 12) & 63);
      }
      target[to++] = 0x80 | ((point >> 6) & 63);
    }
    target[to++] = 0x80 | (point & 63);
  }
  return to;
}
