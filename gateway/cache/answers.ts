import type { Kept } from "../edge/keeping.ts";
import { cacheLimits } from "./cache-limits.ts";

/** An answer that is kept, with all it takes to judge whether it still holds. */
export interface Answer {
  readonly kept: Kept;
  /** When the service was asked: what it says may be as old as that. */
  readonly askedMs: number;
  readonly maxAgeMs: number;
  /** How many events and gaps there were when it was asked. */
  readonly events: number;
  readonly gaps: number;
}

/** Answers by key, within a bound of memory: those that were not asked for the longest go first. */
export interface Answers {
  get(key: string): Answer | undefined;
  /** Keeps it, unless it is too large or what is kept was asked for later. */
  put(key: string, answer: Answer): void;
  delete(key: string): void;
  readonly bytes: number;
  readonly size: number;
}

interface Held {
  readonly answer: Answer;
  readonly bytes: number;
}

/** The objects, their place in the map and their strings' heads: more than measured. */
const overheadBytes = 512;

export function createAnswers(maxBytes: number): Answers {
  const held = new Map<string, Held>();
  let bytes = 0;

  const remove = (key: string) => {
    bytes -= held.get(key)?.bytes ?? 0;
    held.delete(key);
  };

  return {
    get(key) {
      const found = held.get(key);
      if (!found) return undefined;
      // A map keeps the order of insertion, so the last is the one asked for last.
      held.delete(key);
      held.set(key, found);
      return found.answer;
    },
    put(key, answer) {
      if ((held.get(key)?.answer.askedMs ?? Number.NEGATIVE_INFINITY) > answer.askedMs) return;
      remove(key);
      const { kept, dataBytes } = compact(answer.kept);
      const size = overheadBytes + sizeOf(key) + dataBytes + headerSize(kept);
      if (size > cacheLimits.entryBytes || size > maxBytes) return;
      for (const oldest of held.keys()) {
        if (bytes + size <= maxBytes) break;
        remove(oldest);
      }
      held.set(key, { answer: { ...answer, kept }, bytes: size });
      bytes += size;
    },
    delete: remove,
    get bytes() {
      return bytes;
    },
    get size() {
      return held.size;
    },
  };
}

/** Text may be a part of a larger one, or a tree of parts: of what is kept for long, only itself is. */
function compact(kept: Kept): { kept: Kept; dataBytes: number } {
  const utf8 = Buffer.from(kept.data);
  const isAscii = utf8.length === kept.data.length;
  const data = utf8.toString(isAscii ? "latin1" : "utf8");
  return { kept: { ...kept, data }, dataBytes: isAscii ? data.length : sizeOf(data) };
}

/** At most: V8 takes one byte for a character where all are Latin-1, else two. */
const sizeOf = (text: string): number => text.length * 2;

function headerSize({ header }: Kept): number {
  let size = 0;
  if (header) for (const text of header) size += sizeOf(text);
  return size;
}
