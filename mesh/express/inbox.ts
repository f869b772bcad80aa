import { createGathered } from "../bounds/gather.ts";
import { FrameError } from "./frame.ts";

/** Called with the bytes of a frame behind its length: `data[at]` is its kind. */
export type OnFrame = (data: Buffer, at: number, end: number) => void;

export interface Inbox {
  /** Takes what the socket gave and calls back for each whole frame in it. Throws `FrameError`. */
  take(chunk: Buffer): void;
  /** Bytes that wait for the rest of their frame. */
  readonly waiting: number;
}

/** Cuts a stream of bytes into frames. Whole frames, the usual case, are read where they lie. */
export function createInbox(maxFrameBytes: number, onFrame: OnFrame): Inbox {
  const gathered = createGathered();

  /** Gives how many bytes made whole frames. */
  const readFrames = (data: Buffer): number => {
    let at = 0;
    while (data.length - at >= 4) {
      const length = data.readUInt32BE(at);
      if (length === 0 || length > maxFrameBytes) {
        throw new FrameError(`a frame of ${length} bytes; ${maxFrameBytes} are allowed`);
      }
      if (data.length - at - 4 < length) break;
      onFrame(data, at + 4, at + 4 + length);
      at += 4 + length;
    }
    return at;
  };

  return {
    take(chunk) {
      if (gathered.size() === 0) {
        const used = readFrames(chunk);
        if (used < chunk.length) gathered.add(chunk.subarray(used));
        return;
      }
      gathered.add(chunk);
      const whole = wholeFrames(gathered, maxFrameBytes);
      if (whole > 0) readFrames(gathered.take(whole));
    },
    get waiting() {
      return gathered.size();
    },
  };
}

/** Bytes at the front that make whole frames; or enough to see that the first one is too long. */
function wholeFrames(
  { size, uint32 }: { size(): number; uint32(at: number): number },
  maxFrameBytes: number,
): number {
  let whole = 0;
  while (size() - whole >= 4) {
    const length = uint32(whole);
    if (length === 0 || length > maxFrameBytes) return whole > 0 ? whole : 4;
    if (size() - whole - 4 < length) break;
    whole += 4 + length;
  }
  return whole;
}
