/** HTTP/2 frames by hand (RFC 9113 §4.1), right or wrong. */
export const type = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const flag = { endStream: 1, ack: 1, endHeaders: 4 } as const;

export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export function frame(
  kind: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(kind, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export const settings = (values: Readonly<Record<number, number>> = {}) =>
  frame(
    type.settings,
    0,
    0,
    Buffer.concat(
      Object.entries(values).map(([id, value]) => {
        const entry = Buffer.alloc(6);
        entry.writeUInt16BE(Number(id), 0);
        entry.writeUInt32BE(value, 2);
        return entry;
      }),
    ),
  );
export const initialWindowSize = 4;
export const settingsAck = frame(type.settings, flag.ack, 0);

export const number = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
export const reset = (stream: number, code = 8) => frame(type.rstStream, 0, stream, number(code));
export const windowUpdate = (stream: number, by: number) => frame(type.windowUpdate, 0, stream, number(by));
/** Says that it takes no more streams. */
export const goaway = (code = 0) => frame(type.goaway, 0, 0, Buffer.concat([number(0), number(code)]));
export const ping = (payload = Buffer.alloc(8)) => frame(type.ping, 0, 0, payload);
export const data = (stream: number, payload: Buffer, flags = 0) => frame(type.data, flags, stream, payload);
export const headers = (stream: number, block: Buffer, flags: number = flag.endHeaders) =>
  frame(type.headers, flags, stream, block);

/** An integer with a prefix of that many bits (RFC 7541 §5.1). */
function integer(value: number, prefixBits: number, first = 0): Buffer {
  const full = 2 ** prefixBits - 1;
  if (value < full) return Buffer.from([first | value]);
  const bytes = [first | full];
  for (let rest = value - full; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}
const text = (value: string) => Buffer.concat([integer(value.length, 7), Buffer.from(value, "latin1")]);

/** A field written out, which the peer need not remember. */
export const field = (name: string, value: string) =>
  Buffer.concat([Buffer.from([0]), text(name), text(value)]);
/** One that it must put into its dynamic table, and one that points at the newest there. */
export const rememberedField = (name: string, value: string) =>
  Buffer.concat([Buffer.from([0x40]), text(name), text(value)]);
export const newestField = Buffer.from([0x80 | 62]);

export const block = (fields: Readonly<Record<string, string>>) =>
  Buffer.concat(Object.entries(fields).map(([name, value]) => field(name, value)));

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** Takes bytes as they come and gives the frames that are whole. */
export function createFrameReader(): (chunk: Buffer) => Frame[] {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const frames: Frame[] = [];
    while (rest.length >= 9) {
      const end = 9 + rest.readUIntBE(0, 3);
      if (rest.length < end) break;
      frames.push({
        type: rest.readUInt8(3),
        flags: rest.readUInt8(4),
        stream: rest.readUInt32BE(5) & 0x7fffffff,
        payload: Buffer.from(rest.subarray(9, end)),
      });
      rest = rest.subarray(end);
    }
    return frames;
  };
}
