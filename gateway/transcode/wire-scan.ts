import * as kinds from "./kinds.ts";

/** Bytes that are not the message that the contract promises. */
export class Broken extends Error {}

const empty: Buffer = Buffer.allocUnsafeSlow(0);

/** The tokens of protobuf binary. */
export class WireScan {
  source = empty;
  at = 0;
  /** The halves of the last 64 bits read. */
  low = 0;
  high = 0;

  start(source: Buffer): void {
    this.source = source;
    this.at = 0;
  }

  stop(): void {
    this.source = empty;
  }

  /** The low 32 bits of a varint, unsigned. */
  varint(): number {
    const { source, at } = this;
    const first = source[at] as number;
    if (first < 0x80) {
      this.at = at + 1;
      return first;
    }
    this.varint64();
    return this.low >>> 0;
  }

  /** A varint into `low` and `high`. */
  varint64(): void {
    const { source } = this;
    let { at } = this;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= source.length) throw new Broken("the answer ends inside a number");
      const byte = source[at++] as number;
      if (shift < 28) low |= (byte & 0x7f) << shift;
      else if (shift === 28) {
        low |= byte << 28;
        high = (byte & 0x7f) >>> 4;
      } else high |= (byte & 0x7f) << (shift - 32);
      if (byte < 0x80) {
        this.low = low;
        this.high = high;
        this.at = at;
        return;
      }
    }
    throw new Broken("a number has more than ten bytes");
  }

  fixed32(): number {
    const { source, at } = this;
    if (at + 4 > source.length) throw new Broken("the answer ends inside a number");
    this.at = at + 4;
    return (
      (source[at] as number) |
      ((source[at + 1] as number) << 8) |
      ((source[at + 2] as number) << 16) |
      ((source[at + 3] as number) << 24)
    );
  }

  fixed64(): void {
    this.low = this.fixed32();
    this.high = this.fixed32();
  }

  /** Passes a length; where what it measures ends, which is not behind `end`. */
  piece(end: number): number {
    const to = this.varint() + this.at;
    if (to > end) throw new Broken("a field is longer than its message");
    return to;
  }

  /** Passes a value of a wire type; groups are passed as a whole. */
  skip(wireType: number, number: number, end: number, depth = 0): void {
    switch (wireType) {
      case kinds.VARINT:
        this.varint64();
        return;
      case kinds.BITS64:
        this.fixed64();
        return;
      case kinds.DELIMITED:
        this.at = this.piece(end);
        return;
      case kinds.BITS32:
        this.fixed32();
        return;
      case kinds.GROUP:
        this.#skipGroup(number, end, depth);
        return;
      default:
        throw new Broken("a field has a wire type that does not exist");
    }
  }

  #skipGroup(number: number, end: number, depth: number): void {
    if (depth > kinds.maxDepth) throw new Broken("the answer is nested too deep");
    while (this.at < end) {
      const tag = this.varint();
      if ((tag & 7) === kinds.GROUP_END) {
        if (tag >>> 3 !== number) break;
        return;
      }
      this.skip(tag & 7, tag >>> 3, end, depth + 1);
    }
    throw new Broken("a group does not end");
  }
}
