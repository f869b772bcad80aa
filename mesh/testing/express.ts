import type { Socket } from "node:net";
import { connect } from "node:net";
import { kinds, preface } from "../express/frame.ts";

/**
 * Frames of the express lane as the wire has them, written down a second time:
 * for peers that do what no client and no server of ours would.
 */
export const u8 = (value: number) => Buffer.from([value]);
export const u16 = (value: number) => Buffer.from([value >>> 8, value]);
export const u32 = (value: number) => Buffer.from([value >>> 24, value >>> 16, value >>> 8, value]);
export const text8 = (value: string) => Buffer.concat([u8(value.length), Buffer.from(value, "latin1")]);
export const text = (value: string) => Buffer.concat([u16(Buffer.byteLength(value)), Buffer.from(value)]);
export const fields = (...pairs: readonly [string, string][]) =>
  Buffer.concat([u16(pairs.length), ...pairs.flat().map(text)]);

export const frameOf = (kind: number, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([u32(body.length + 1), u8(kind), body]);
};

export const word = (slot: number, value: string) => frameOf(kinds.word, u16(slot), text(value));
export const cancel = (id: number) => frameOf(kinds.cancel, u32(id));
export const ping = () => frameOf(kinds.ping);
export const away = () => frameOf(kinds.away);

export interface CallParts {
  readonly id: number;
  /** Slots of words. */
  readonly method?: number;
  readonly authorization?: number;
  readonly statement?: number;
  readonly timeoutMs?: number;
  readonly requestId?: string;
  readonly correlationId?: string;
  readonly traceparent?: string;
  readonly fields?: Uint8Array;
  readonly message?: Uint8Array;
}

export const call = (parts: CallParts): Buffer =>
  frameOf(
    kinds.call,
    u32(parts.id),
    u16(parts.method ?? 1),
    u16(parts.authorization ?? 0),
    u16(parts.statement ?? 0),
    u32(parts.timeoutMs ?? 10_000),
    text8(parts.requestId ?? ""),
    text8(parts.correlationId ?? ""),
    text8(parts.traceparent ?? ""),
    parts.fields ?? fields(),
    parts.message ?? Buffer.alloc(0),
  );

export const answer = (id: number, message: Uint8Array) =>
  frameOf(kinds.answer, u32(id), fields(), fields(), message);

export const failure = (id: number, code: number, processed: boolean, message: string) =>
  frameOf(kinds.failure, u32(id), u8(code), u8(processed ? 1 : 0), text(message), u16(0), fields());

export interface Frame {
  readonly kind: number;
  /** Behind the kind. */
  readonly body: Buffer;
}

/** Cuts what comes into frames, the slow and plain way. */
export function createFrameReader(onFrame: (frame: Frame) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
      const end = 4 + rest.readUInt32BE(0);
      onFrame({ kind: rest[4] ?? 0, body: rest.subarray(5, end) });
      rest = rest.subarray(end);
    }
  };
}

/** How a call ended, as the wire says it. */
export interface Ended {
  readonly kind: number;
  readonly id: number;
  /** Of failures. */
  readonly code: number;
  readonly processed: boolean;
  readonly message: string;
  readonly body: Buffer;
}

function endedOf({ kind, body }: Frame): Ended {
  const isFailure = kind === kinds.failure;
  return {
    kind,
    id: body.readUInt32BE(0),
    code: isFailure ? (body[4] ?? 0) : 0,
    processed: isFailure ? body[5] === 1 : true,
    message: isFailure ? body.toString("utf8", 8, 8 + body.readUInt16BE(6)) : "",
    body,
  };
}

/** The calling end of a connection whose every byte is in the test's hand. */
export interface RawExpress extends Disposable {
  readonly socket: Socket;
  /** Sends; waits while the peer does not read. False once the connection is gone. */
  send(...frames: readonly Uint8Array[]): Promise<boolean>;
  /** Frames of a kind that came. */
  count(kind: number): number;
  /** Calls that ended, by their ids. */
  readonly ended: ReadonlyMap<number, Ended>;
  /** Waits for the end of a call. */
  end(id: number): Promise<Ended>;
  isClosed(): boolean;
  /** Waits until the peer ends the connection. */
  closed(): Promise<void>;
}

export interface RawExpressOptions {
  /** Never empties the receive buffer. */
  reads?: boolean;
  /** Sent at once behind the preface. */
  first?: Uint8Array;
  /** The address to come from. Default: that of the server. */
  from?: string;
  /** Told of each frame. */
  onFrame?: (frame: Frame) => void;
}

export async function openExpress(port: number, options: RawExpressOptions = {}): Promise<RawExpress> {
  const { reads = true, first = Buffer.alloc(0), from, onFrame } = options;
  const socket = connect({
    host: "127.0.0.1",
    port,
    noDelay: true,
    allowHalfOpen: true,
    ...(from && { localAddress: from }),
  });
  const counts = new Map<number, number>();
  const ended = new Map<number, Ended>();
  const waiting = new Map<number, (ended: Ended) => void>();
  const gone = Promise.withResolvers<void>();
  let isClosed = false;
  const over = () => {
    isClosed = true;
    gone.resolve();
  };
  socket.on("error", () => {});
  socket.once("end", over);
  socket.once("close", over);
  const read = createFrameReader((frame) => {
    counts.set(frame.kind, (counts.get(frame.kind) ?? 0) + 1);
    onFrame?.(frame);
    if (frame.kind !== kinds.answer && frame.kind !== kinds.failure) return;
    const it = endedOf(frame);
    ended.set(it.id, it);
    waiting.get(it.id)?.(it);
  });
  const greeted = Promise.withResolvers<void>();
  let skip = preface.length;
  if (reads) {
    socket.on("data", (chunk: Buffer) => {
      const greeting = Math.min(skip, chunk.length);
      skip -= greeting;
      if (skip === 0) greeted.resolve();
      read(chunk.subarray(greeting));
    });
  } else greeted.resolve();
  socket.write(Buffer.concat([preface, first]));
  await Promise.race([greeted.promise, gone.promise]);

  return {
    socket,
    async send(...frames) {
      if (isClosed || !socket.writable) return false;
      if (!socket.write(Buffer.concat(frames))) {
        await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), gone.promise]);
      }
      return !isClosed;
    },
    count: (kind) => counts.get(kind) ?? 0,
    ended,
    end: (id) => {
      const known = ended.get(id);
      if (known) return Promise.resolve(known);
      return Promise.race([
        new Promise<Ended>((resolve) => waiting.set(id, resolve)),
        gone.promise.then(() => {
          const it = ended.get(id);
          if (!it) throw new Error(`the connection ended before call ${id}`);
          return it;
        }),
      ]);
    },
    isClosed: () => isClosed,
    closed: () => gone.promise,
    [Symbol.dispose]: () => socket.destroy(),
  };
}
