import { borrowPolicy } from "./borrow-policy.ts";
import { mostLimit } from "./decision.ts";
import type { Answer, AnswerItem, Question, QuestionItem } from "./exchange.ts";
import { mostSeconds, mostWindows } from "./policy.ts";

/** What replicas tell one another. */
export type Message =
  | { readonly kind: "here"; readonly from: string }
  | { readonly kind: "farewell"; readonly from: string }
  | { readonly kind: "question"; readonly from: string; readonly question: Question }
  | { readonly kind: "answer"; readonly from: string; readonly answer: Answer }
  | {
      readonly kind: "settled";
      readonly from: string;
      readonly seq: number;
      readonly unused: readonly number[];
    };

/** A replica of another version is not understood, so it counts as not there. */
const version = 1;
const kinds = ["here", "farewell", "question", "answer", "settled"] as const;

/** Names of replicas become subjects, so they hold nothing that means something there. */
const nameForm = /^[A-Za-z0-9_-]{1,64}$/;
const hiddenBytes = 16;
const mostItems: number = borrowPolicy.mostItems;
const mostWant: number = borrowPolicy.mostWaiters;
const longestHoldMs = 1000;

export function encode(message: Message): Buffer {
  const out: number[] = [version, kinds.indexOf(message.kind)];
  putText(out, message.from, true);
  if (message.kind === "question") putQuestion(out, message.question);
  if (message.kind === "answer") putAnswer(out, message.answer);
  if (message.kind === "settled") {
    put32(out, message.seq);
    put16(out, message.unused.length);
    for (const unused of message.unused) put16(out, unused);
  }
  return Buffer.from(out);
}

function putQuestion(out: number[], { seq, holdMs, items }: Question): void {
  put32(out, seq);
  put16(out, holdMs);
  put16(out, items.length);
  for (const { hidden, want, mask, lengthsMs, limits } of items) {
    putText(out, hidden, false);
    put16(out, want);
    out.push(mask, lengthsMs.length);
    for (const [w, lengthMs] of lengthsMs.entries()) {
      put32(out, lengthMs);
      put32(out, limits[w] ?? 0);
    }
  }
}

function putAnswer(out: number[], { seq, items }: Answer): void {
  put32(out, seq);
  put16(out, items.length);
  for (const { lent, free, nextMs } of items) {
    put16(out, lent);
    out.push(free.length);
    for (const [w, left] of free.entries()) {
      put32(out, left);
      put32(out, Math.ceil(nextMs[w] ?? 0));
    }
  }
}

const put16 = (out: number[], value: number) => out.push((value >>> 8) & 255, value & 255);
const put32 = (out: number[], value: number) =>
  out.push((value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);

function putText(out: number[], text: string, withLength: boolean): void {
  if (withLength) out.push(text.length);
  for (let i = 0; i < text.length; i++) out.push(text.charCodeAt(i) & 255);
}

/** The message, or nothing when it is not one: anyone who may publish may have sent it. */
export function decode(bytes: Uint8Array): Message | undefined {
  const reader = createReader(bytes);
  if (reader.number(1) !== version) return undefined;
  const kind = kinds[reader.number(1)];
  const from = reader.text(reader.number(1));
  if (kind === undefined || !nameForm.test(from)) return undefined;
  const message = bodyOf(kind, from, reader);
  return message && reader.atEnd() ? message : undefined;
}

function bodyOf(kind: Message["kind"], from: string, reader: Reader): Message | undefined {
  if (kind === "here" || kind === "farewell") return { kind, from };
  if (kind === "question") {
    const question = readQuestion(reader);
    return question && { kind, from, question };
  }
  if (kind === "settled") {
    const seq = reader.number(4);
    const unused = readItems(reader, () => reader.number(2));
    return unused && { kind, from, seq, unused };
  }
  const answer = readAnswer(reader);
  return answer && { kind, from, answer };
}

function readQuestion(reader: Reader): Question | undefined {
  const seq = reader.number(4);
  const holdMs = reader.number(2);
  const items = readItems(reader, readQuestionItem);
  return items && holdMs <= longestHoldMs ? { seq, holdMs, items } : undefined;
}

function readQuestionItem(reader: Reader): QuestionItem | undefined {
  const hidden = reader.text(hiddenBytes);
  const want = reader.number(2);
  const mask = reader.number(1);
  const windows = reader.number(1);
  if (want < 1 || want > mostWant || windows < 1 || windows > mostWindows) return undefined;
  if (mask < 1 || mask >= 1 << windows) return undefined;
  const lengthsMs: number[] = [];
  const limits: number[] = [];
  for (let w = 0; w < windows; w++) {
    const lengthMs = reader.number(4);
    const limit = reader.number(4);
    if (lengthMs < 1000 || lengthMs > mostSeconds * 1000 || limit < 1 || limit > mostLimit) return undefined;
    lengthsMs.push(lengthMs);
    limits.push(limit);
  }
  return { hidden, want, mask, lengthsMs, limits };
}

function readAnswer(reader: Reader): Answer | undefined {
  const seq = reader.number(4);
  const items = readItems(reader, readAnswerItem);
  return items && { seq, items };
}

function readAnswerItem(reader: Reader): AnswerItem | undefined {
  const lent = reader.number(2);
  const windows = reader.number(1);
  if (windows < 1 || windows > mostWindows) return undefined;
  const free: number[] = [];
  const nextMs: number[] = [];
  for (let w = 0; w < windows; w++) {
    free.push(reader.number(4));
    nextMs.push(reader.number(4));
  }
  return { lent, free, nextMs };
}

/** Stops at the first that is not one, so that a claimed length costs nothing. */
function readItems<T>(reader: Reader, read: (reader: Reader) => T | undefined): T[] | undefined {
  const count = reader.number(2);
  if (count > mostItems) return undefined;
  const items: T[] = [];
  for (let i = 0; i < count; i++) {
    const item = read(reader);
    if (item === undefined || reader.isShort()) return undefined;
    items.push(item);
  }
  return items;
}

interface Reader {
  /** Of so many bytes, the first the most significant; 0 beyond the end. */
  number(bytes: number): number;
  text(bytes: number): string;
  isShort(): boolean;
  atEnd(): boolean;
}

function createReader(bytes: Uint8Array): Reader {
  let at = 0;
  return {
    number(length) {
      let value = 0;
      for (let i = 0; i < length; i++) value = value * 256 + (bytes[at++] ?? 0);
      return value;
    },
    text(length) {
      const text = String.fromCharCode(...bytes.subarray(at, at + length));
      at += length;
      return text;
    },
    isShort: () => at > bytes.length,
    atEnd: () => at === bytes.length,
  };
}
