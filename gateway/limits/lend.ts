import type { Book } from "./book.ts";
import type { Entry } from "./entry.ts";
import { usedOf } from "./entry.ts";
import type { Answer, AnswerItem, Question, QuestionItem, Replicas } from "./exchange.ts";
import { shareOf } from "./share.ts";
import type { Timers } from "./timers.ts";

export interface LendingOptions {
  readonly book: Book;
  readonly replicas: () => Replicas;
  readonly now: () => number;
  readonly timers: Timers;
}

/**
 * Lends other replicas what is free of the own share. A loan is missing here
 * until the borrower says what became of it, or until it can no longer be used:
 * then it counts as used just now. So a use never counts at no replica, and a
 * lost message costs a loan for a window, no more.
 */
export interface Lending {
  asked(from: string, question: Question): Answer;
  /** What the borrower did not use, item by item. */
  settled(from: string, seq: number, unused: readonly number[]): void;
  close(): void;
}

interface Loan {
  readonly entry: Entry;
  readonly mask: number;
  readonly lent: number;
  readonly shares: readonly number[];
}

interface Loans {
  readonly items: readonly (Loan | undefined)[];
  readonly endTimer: () => void;
}

/** Questions whose loans may be out at once; more get nothing. */
const mostOut = 10_000;

export function createLending({ book, replicas, now, timers }: LendingOptions): Lending {
  const out = new Map<string, Loans>();

  const lendOne = (item: QuestionItem, nowMs: number, view: Replicas): [AnswerItem, Loan | undefined] => {
    const { hidden, want, mask, lengthsMs, limits } = item;
    const entry = book.findHidden(hidden, lengthsMs, nowMs);
    // The name of a key tells its windows, so one that differs is made up.
    if (!sameNumbers(lengthsMs, entry.lengthsMs)) return [nothing(item), undefined];
    const shares = limits.map((limit) => shareOf(limit, view.count, view.rank, entry.spread));
    const free = shares.map((share, w) => Math.max(0, share - usedOf(entry, w, nowMs)));
    const lent = Math.min(want, ...free.filter((_, w) => isIn(mask, w)));
    if (lent > 0) move(entry, mask, lent);
    const left = free.map((it, w) => (isIn(mask, w) ? it - lent : it));
    if (left.includes(0)) book.guard(entry);
    const nextMs = left.map((it, w) => (it > 0 ? 0 : comingMs(entry, w, nowMs, shares[w] ?? 0)));
    return [{ lent, free: left, nextMs }, lent > 0 ? { entry, mask, lent, shares } : undefined];
  };

  const end = (key: string, unused: readonly number[] | undefined) => {
    const loans = out.get(key);
    if (!loans) return;
    out.delete(key);
    loans.endTimer();
    const nowMs = now();
    for (const [i, loan] of loans.items.entries()) {
      if (loan) bringBack(loan, Math.min(loan.lent, unused?.[i] ?? 0), nowMs);
    }
  };

  return {
    asked(from, question) {
      const { seq, holdMs, items } = question;
      const key = `${from} ${seq}`;
      if (out.has(key) || out.size >= mostOut) return { seq, items: items.map(nothing) };
      const nowMs = now();
      const view = replicas();
      const lent = items.map((item) => lendOne(item, nowMs, view));
      const loans = lent.map(([, loan]) => loan);
      if (loans.some((it) => it)) {
        out.set(key, { items: loans, endTimer: timers.after(holdMs, () => end(key, undefined)) });
      }
      return { seq, items: lent.map(([answer]) => answer) };
    },
    settled: (from, seq, unused) => end(`${from} ${seq}`, unused),
    close() {
      for (const { endTimer } of out.values()) endTimer();
      out.clear();
    },
  };
}

const isIn = (mask: number, window: number) => (mask & (1 << window)) !== 0;

const sameNumbers = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((it, i) => it === b[i]);

const nothing = ({ limits, lengthsMs }: QuestionItem): AnswerItem => ({
  lent: 0,
  free: limits.map(() => 0),
  nextMs: lengthsMs.map(() => 0),
});

function comingMs(entry: Entry, w: number, nowMs: number, share: number): number {
  const lengthMs = entry.lengthsMs[w] ?? 0;
  const used = usedOf(entry, w, nowMs);
  return Math.min(lengthMs, entry.rings.waitMs(entry.at, w, lengthMs, nowMs, used - share + 1));
}

function move(entry: Entry, mask: number, lent: number): void {
  entry.lent ??= entry.lengthsMs.map(() => 0);
  for (const [w, out] of entry.lent.entries()) if (isIn(mask, w)) entry.lent[w] = out + lent;
}

function bringBack({ entry, mask, lent, shares }: Loan, unused: number, nowMs: number): void {
  // Forgotten meanwhile, and its place may be another's.
  if (!entry.lent || entry.isDropped) return;
  const used = lent - unused;
  for (const [w, lengthMs] of entry.lengthsMs.entries()) {
    if (!isIn(mask, w)) continue;
    entry.lent[w] = (entry.lent[w] ?? 0) - lent;
    if (used === 0) continue;
    entry.rings.used(entry.at, w, lengthMs, nowMs);
    entry.rings.add(entry.at, w, lengthMs, used, nowMs, shares[w] ?? 0);
  }
  // Nothing out: the next look at it need not add.
  if (entry.lent.every((it) => it === 0)) entry.lent = undefined;
}
