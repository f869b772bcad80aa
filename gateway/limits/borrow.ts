import type { Ask, Waiter } from "./ask.ts";
import { borrowPolicy } from "./borrow-policy.ts";
import type { Entry, Lender } from "./entry.ts";
import type { Answer, AnswerItem, Exchange, QuestionItem } from "./exchange.ts";
import type { Timers } from "./timers.ts";

export interface BorrowOptions {
  readonly exchange: Exchange;
  readonly now: () => number;
  readonly timers: Timers;
  /** Windows of an entry that lack room now. */
  readonly lackOf: (entry: Entry, limits: readonly number[], nowMs: number) => number;
  /** Decides what waited, as far as it can be decided now. */
  readonly settled: (waiters: readonly Waiter[], nowMs: number) => void;
}

/** Asks the other replicas for what this one lacks. */
export interface Borrow {
  /** Whether asking is of use: someone may have something, and not too many wait already. */
  mayAsk(entry: Entry, mask: number, nowMs: number): boolean;
  wait(entry: Entry, limits: readonly number[], waiter: Waiter): void;
  answered(from: string, answer: Answer): void;
  /** Questions sent. */
  asked(): number;
  /** Ends all questions; who waits is decided with what is known here. */
  close(): void;
}

/** A key in a question to one replica. */
interface Part {
  readonly entry: Entry;
  readonly ask: Ask;
  readonly mask: number;
  readonly want: number;
  lent: number;
}

/** Questions that went out together, one to each replica. */
interface Batch {
  readonly untilMs: number;
  readonly parts: ReadonlyMap<string, readonly Part[]>;
  /** Replicas that have not answered yet. */
  readonly silent: Set<string>;
  readonly endTimer: () => void;
}

export function createBorrow({ exchange, now, timers, lackOf, settled }: BorrowOptions): Borrow {
  const { waitMs, holdMs, silenceMs, againMs, mostWaiters, mostItems } = borrowPolicy;
  const batches = new Map<number, Batch>();
  /** Entries with a question that has not gone out yet. */
  let due: Entry[] = [];
  let seq = 0;
  let asked = 0;

  const canLend = (entry: Entry, replica: string, mask: number, nowMs: number) => {
    const until = entry.lenders?.get(replica)?.emptyUntilMs;
    if (!until) return true;
    for (let w = 0; w < until.length; w++) {
      if ((mask & (1 << w)) !== 0 && nowMs < (until[w] as number)) return false;
    }
    return true;
  };

  const settle = (entry: Entry, ask: Ask, nowMs: number) => {
    if (entry.ask === ask) entry.ask = undefined;
    settled(ask.waiters, nowMs);
  };

  const send = () => {
    const nowMs = now();
    const asking = due.slice(0, mostItems);
    due = due.slice(mostItems);
    if (due.length > 0) timers.soon(send);
    const { others } = exchange.replicas();
    const parts = new Map<string, Part[]>();
    const idle: Entry[] = [];
    for (const entry of asking) if (!addParts(parts, entry, others, nowMs)) idle.push(entry);
    if (parts.size > 0) sendBatch(parts, nowMs);
    for (const entry of idle) if (entry.ask) settle(entry, entry.ask, nowMs);
  };

  /** Divides what is wanted among those who may have it, beginning with another each time. */
  const addParts = (
    parts: Map<string, Part[]>,
    entry: Entry,
    others: readonly string[],
    nowMs: number,
  ): boolean => {
    const { ask } = entry;
    if (!ask) return true;
    ask.mask = lackOf(entry, ask.limits, nowMs);
    const lenders = ask.mask === 0 ? [] : others.filter((it) => canLend(entry, it, ask.mask, nowMs));
    const want = ask.waiters.length;
    for (const [i, replica] of lenders.entries()) {
      const place = (i + seq + entry.spread) % lenders.length;
      const share = Math.floor(want / lenders.length) + (place < want % lenders.length ? 1 : 0);
      if (share === 0) continue;
      const part = { entry, ask, mask: ask.mask, want: share, lent: 0 };
      const list = parts.get(replica);
      if (list) list.push(part);
      else parts.set(replica, [part]);
      ask.open++;
    }
    return ask.open > 0;
  };

  const sendBatch = (parts: Map<string, Part[]>, nowMs: number) => {
    seq = (seq + 1) >>> 0;
    const number = seq;
    const batch: Batch = {
      untilMs: nowMs + holdMs,
      parts,
      silent: new Set(parts.keys()),
      // After a busy time the answer may be there and only not be read yet.
      endTimer: timers.after(waitMs, () => timers.soon(() => giveUp(number, batch))),
    };
    batches.set(number, batch);
    for (const [replica, list] of parts) {
      asked++;
      exchange.ask(replica, { seq: number, holdMs, items: list.map(itemOf) });
    }
  };

  /** Those who were silent may be dead or cut off: they are left alone for a while. */
  const giveUp = (number: number, batch: Batch) => {
    if (!batches.delete(number)) return;
    const nowMs = now();
    for (const replica of batch.silent) {
      for (const part of batch.parts.get(replica) ?? []) {
        const emptyUntilMs = part.entry.lengthsMs.map(() => nowMs + silenceMs);
        lendersOf(part.entry).set(replica, { saidMs: nowMs, emptyUntilMs, free: [] });
        close(part, nowMs);
      }
    }
    tellUnused(number, batch);
  };

  const finish = (number: number, batch: Batch) => {
    batch.endTimer();
    batches.delete(number);
    tellUnused(number, batch);
  };

  /** Lets the lenders count what was used from now, not from when it might have been used at the latest. */
  const tellUnused = (number: number, { parts, silent }: Batch) => {
    for (const [replica, list] of parts) {
      if (silent.has(replica) || !list.some((it) => it.lent > 0)) continue;
      exchange.settle(
        replica,
        number,
        list.map((part) => takeBack(part, number)),
      );
    }
  };

  const close = ({ entry, ask }: Part, nowMs: number) => {
    ask.open--;
    if (ask.open === 0) settle(entry, ask, nowMs);
  };

  const note = ({ entry, mask, want }: Part, replica: string, item: AnswerItem, nowMs: number) => {
    const { lent, free, nextMs } = item;
    const emptyUntilMs = entry.lengthsMs.map((lengthMs, w) => {
      if (free[w] === 0) return nowMs + Math.min(Math.max(againMs, nextMs[w] ?? 0), lengthMs);
      // It lends less than it has: no more is to be had for now.
      return lent < want && (mask & (1 << w)) !== 0 && !free.includes(0) ? nowMs + silenceMs : nowMs;
    });
    lendersOf(entry).set(replica, { saidMs: nowMs, emptyUntilMs, free });
  };

  const credit = (part: Part, lent: number, number: number, { untilMs }: Batch, nowMs: number) => {
    const { entry, mask, want } = part;
    // Late, or more than was asked: not to be relied on.
    if (lent < 1 || lent > want || nowMs > untilMs) return;
    part.lent = lent;
    // What is left of an earlier question counts as used.
    entry.credits = entry.creditSeq === number ? entry.credits + lent : lent;
    entry.creditSeq = number;
    entry.creditUntilMs = untilMs;
    entry.creditMask = mask;
  };

  return {
    mayAsk(entry, mask, nowMs) {
      if (entry.ask) return entry.ask.waiters.length < mostWaiters;
      const { others } = exchange.replicas();
      for (let i = 0; i < others.length; i++) {
        if (canLend(entry, others[i] as string, mask, nowMs)) return true;
      }
      return false;
    },
    wait(entry, limits, waiter) {
      if (!entry.ask) {
        entry.ask = { waiters: [], limits, mask: entry.lacks, open: 0 };
        due.push(entry);
        if (due.length === 1) timers.soon(send);
      }
      // Only one that lacks two policies can come twice.
      if (waiter.policies.length === 1 || !entry.ask.waiters.includes(waiter)) entry.ask.waiters.push(waiter);
    },
    answered(from, { seq: number, items }) {
      const batch = batches.get(number);
      const parts = batch?.parts.get(from);
      // Late, doubled, or an answer to what was not asked: the lender counts it as used, and nobody else does.
      if (!batch || !parts || items.length !== parts.length || !batch.silent.delete(from)) return;
      const nowMs = now();
      for (const [i, part] of parts.entries()) {
        const item = items[i] as AnswerItem;
        note(part, from, item, nowMs);
        credit(part, item.lent, number, batch, nowMs);
      }
      for (const part of parts) close(part, nowMs);
      if (batch.silent.size === 0) finish(number, batch);
    },
    asked: () => asked,
    close() {
      for (const batch of batches.values()) batch.endTimer();
      const open = [...batches.values()].flatMap(({ parts }) => [...parts.values()].flat());
      batches.clear();
      const nowMs = now();
      for (const { entry, ask } of open) settle(entry, ask, nowMs);
      for (const entry of due.splice(0)) if (entry.ask) settle(entry, entry.ask, nowMs);
    },
  };
}

/** Ends what was lent and not used, and says how much that was. */
function takeBack({ entry, lent }: Part, number: number): number {
  if (entry.creditSeq !== number) return 0;
  const unused = Math.min(lent, entry.credits);
  entry.credits -= unused;
  return unused;
}

function lendersOf(entry: Entry): Map<string, Lender> {
  entry.lenders ??= new Map();
  return entry.lenders;
}

const itemOf = ({ entry, ask, mask, want }: Part): QuestionItem => ({
  hidden: entry.hidden,
  want,
  mask,
  lengthsMs: entry.lengthsMs,
  limits: ask.limits,
});
