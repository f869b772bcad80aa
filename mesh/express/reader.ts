import { FrameError } from "./frame.ts";

/** Reads the parts of one frame in their order; refuses to read beyond its end. */
export class Reader {
  private data: Buffer = Buffer.alloc(0);
  private at = 0;
  private end = 0;

  /** One reader serves all frames of a connection, one at a time. */
  open(data: Buffer, at: number, end: number): this {
    this.data = data;
    this.at = at;
    this.end = end;
    return this;
  }

  /** Bytes that are not read yet. */
  get left(): number {
    return this.end - this.at;
  }

  u8(): number {
    return this.data[this.step(1)] ?? 0;
  }

  u16(): number {
    return this.data.readUInt16BE(this.step(2));
  }

  u32(): number {
    return this.data.readUInt32BE(this.step(4));
  }

  text8(): string {
    const length = this.u8();
    const at = this.step(length);
    return this.data.toString("latin1", at, at + length);
  }

  text(): string {
    const length = this.u16();
    const at = this.step(length);
    return this.data.toString("utf8", at, at + length);
  }

  bytes(length: number): Uint8Array {
    const at = this.step(length);
    return this.data.subarray(at, at + length);
  }

  /** No `Buffer`: parts of one are such too, and differ from the bytes that messages otherwise have. */
  rest(): Uint8Array {
    const { data, at, end } = this;
    this.at = end;
    return new Uint8Array(data.buffer, data.byteOffset + at, end - at);
  }

  private step(length: number): number {
    const { at } = this;
    if (at + length > this.end) throw new FrameError("a frame ends too early");
    this.at = at + length;
    return at;
  }
}
