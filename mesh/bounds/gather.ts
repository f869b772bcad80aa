/** Large enough that the parsers, which look at all pieces again with each that comes, see few. */
const pieceBytes = 64 * 1024;
/** One byte of flags and four of length, the same in gRPC, gRPC-Web and Connect. */
const prefixBytes = 5;

/**
 * The same bytes in few pieces. A peer that sends a message byte by byte would
 * otherwise have us keep a network buffer for each and go through all of them
 * each time.
 */
export async function* inPieces(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const gathered = createGathered();
  for await (const chunk of body) {
    gathered.add(chunk);
    if (gathered.size() >= pieceBytes) yield gathered.take(gathered.size());
  }
  if (gathered.size() > 0) yield gathered.take(gathered.size());
}

/** The same for a stream of enveloped messages, each of which is wanted as soon as it is whole. */
export async function* inEnvelopes(
  body: AsyncIterable<Uint8Array>,
  messageBytes: number,
): AsyncIterable<Uint8Array> {
  const gathered = createGathered();
  for await (const chunk of body) {
    gathered.add(chunk);
    const whole = wholeEnvelopes(gathered, messageBytes);
    if (whole > 0) yield gathered.take(whole);
  }
  if (gathered.size() > 0) yield gathered.take(gathered.size());
}

/** Bytes at the front that make whole envelopes. */
function wholeEnvelopes({ size, uint32 }: Gathered, messageBytes: number): number {
  let whole = 0;
  while (size() - whole >= prefixBytes) {
    const length = uint32(whole + 1);
    // Too long: the parser needs no more than its prefix to refuse it.
    if (length > messageBytes) return size();
    if (size() - whole < prefixBytes + length) break;
    whole += prefixBytes + length;
  }
  return whole;
}

export interface Gathered {
  size(): number;
  add(chunk: Uint8Array): void;
  /** Takes bytes from the front. */
  take(bytes: number): Buffer;
  /** The number that stands there, most significant byte first. */
  uint32(at: number): number;
}

/** Copies what it is given, which lets the network buffers go. What it gave is never written to again. */
export function createGathered(): Gathered {
  let buffer = Buffer.alloc(0);
  let start = 0;
  let end = 0;
  const makeRoom = (bytes: number) => {
    if (end + bytes <= buffer.length) return;
    const held = end - start;
    const larger = Buffer.allocUnsafeSlow(
      Math.max(held + bytes, Math.min(2 * held, held + 1024 * 1024), 512),
    );
    buffer.copy(larger, 0, start, end);
    [buffer, start, end] = [larger, 0, held];
  };
  return {
    size: () => end - start,
    add: (chunk) => {
      makeRoom(chunk.length);
      buffer.set(chunk, end);
      end += chunk.length;
    },
    take: (bytes) => {
      const taken = buffer.subarray(start, start + bytes);
      start += bytes;
      return taken;
    },
    uint32: (at) => buffer.readUInt32BE(start + at),
  };
}
