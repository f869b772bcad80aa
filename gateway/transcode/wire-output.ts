const usual = 64 * 1024;
const kept = 1024 * 1024;

/**
 * A buffer that grows, written by position. One is reused for all messages of
 * a direction: nothing here waits, so no two writers meet.
 */
export class WireOutput {
  bytes = Buffer.allocUnsafeSlow(usual);
  at = 0;
  readonly #max: number;

  /** Fails by RangeError when the output would exceed `max`. */
  constructor(max = 2 ** 31 - 1) {
    this.#max = max;
  }

  reset(): void {
    this.at = 0;
    // One large message must not hold its memory for good.
    if (this.bytes.length > kept) this.bytes = Buffer.allocUnsafeSlow(usual);
  }

  /** Makes room for `count` more bytes; the writers below write without asking. */
  reserve(count: number): void {
    if (this.at + count > this.bytes.length) this.#grow(count);
  }

  #grow(count: number): void {
    const needed = this.at + count;
    if (needed > this.#max) throw new RangeError("the output is too large");
    const larger = Buffer.allocUnsafeSlow(Math.min(this.#max, Math.max(needed, this.bytes.length * 2)));
    this.bytes.copy(larger, 0, 0, this.at);
    this.bytes = larger;
  }

  /** A varint of 32 bits, unsigned. */
  varint(value: number): void {
    const { bytes } = this;
    let { at } = this;
    let rest = value;
    while (rest > 0x7f || rest < 0) {
      bytes[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.at = at;
  }

  /** A varint of 64 bits, given in two halves. */
  varint64(low: number, high: number): void {
    const { bytes } = this;
    let { at } = this;
    let lo = low >>> 0;
    let hi = high >>> 0;
    while (hi !== 0) {
      bytes[at++] = (lo & 0x7f) | 0x80;
      lo = ((lo >>> 7) | (hi << 25)) >>> 0;
      hi >>>= 7;
    }
    while (lo > 0x7f) {
      bytes[at++] = (lo & 0x7f) | 0x80;
      lo >>>= 7;
    }
    bytes[at++] = lo;
    this.at = at;
  }

  fixed32(value: number): void {
    const { bytes } = this;
    const { at } = this;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
    this.at = at + 4;
  }

  /** Opens a piece of unknown length; give what it returns to `close`. */
  open(): number {
    this.at += 1;
    return this.at;
  }

  /** Writes the length of the piece before it; moves the piece when one byte is too few for that. */
  close(start: number): void {
    const length = this.at - start;
    if (length < 0x80) {
      this.bytes[start - 1] = length;
      return;
    }
    const more = length < 0x4000 ? 1 : length < 0x200000 ? 2 : length < 0x10000000 ? 3 : 4;
    this.reserve(more);
    this.bytes.copyWithin(start + more, start, this.at);
    this.at = start - 1;
    this.varint(length);
    this.at += length;
  }

  /** A copy of what was written. */
  taken(): Uint8Array<ArrayBuffer> {
    const copy = new Uint8Array(this.at);
    copy.set(this.bytes.subarray(0, this.at));
    return copy;
  }
}
