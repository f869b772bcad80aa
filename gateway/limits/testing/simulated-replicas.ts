import { hash } from "node:crypto";
import type { Decision } from "../decision.ts";
import type { Exchange, ExchangeHandler } from "../exchange.ts";
import type { Limiter } from "../limiter.ts";
import { createLimiter } from "../limiter.ts";
import type { LimitPolicy } from "../policy.ts";
import type { Timers } from "../timers.ts";
import type { Message } from "../wire.ts";
import { decode, encode } from "../wire.ts";

export interface SimulationOptions {
  readonly replicas: number;
  /** Travelling time of each message; nothing when it is lost. */
  readonly delayMs: () => number | undefined;
  /** Whether this message comes twice. */
  readonly doubled?: () => boolean;
  readonly maxIdentities?: number;
}

export interface Admission {
  readonly identity: string;
  readonly atMs: number;
  readonly replica: number;
}

/** Replicas in a world where time passes only when told to, and messages do as a test wants. */
export interface Simulation {
  readonly limiters: readonly Limiter[];
  /** All that were admitted, in the order of time. */
  readonly admissions: readonly Admission[];
  readonly refusals: readonly Admission[];
  readonly messages: () => number;
  nowMs(): number;
  take(replica: number, identity: string, policies: readonly LimitPolicy[], factor?: number): void;
  /** Lets so much time pass, and all happen that is due in it. */
  pass(ms: number): Promise<void>;
}

interface Due {
  readonly atMs: number;
  readonly order: number;
  work: (() => void) | undefined;
}

export function simulate({ replicas, delayMs, doubled, maxIdentities }: SimulationOptions): Simulation {
  let nowMs = 1000;
  let order = 0;
  let messages = 0;
  let due: Due[] = [];
  const handlers: ExchangeHandler[] = [];
  const admissions: Admission[] = [];
  const refusals: Admission[] = [];

  const at = (ms: number, work: () => void): Due => {
    const it: Due = { atMs: nowMs + ms, order: order++, work };
    due.push(it);
    return it;
  };
  const timers: Timers = {
    soon: (work) => void at(0, work),
    after: (ms, work) => {
      const it = at(ms, work);
      return () => {
        it.work = undefined;
      };
    },
  };
  const post = (message: Message, deliver: (message: Message) => void) => {
    const bytes = encode(message);
    for (let copies = doubled?.() ? 2 : 1; copies > 0; copies--) {
      messages++;
      const delay = delayMs();
      if (delay === undefined) continue;
      at(delay, () => {
        const read = decode(bytes);
        if (!read) throw new Error("a message of ours was not understood");
        deliver(read);
      });
    }
  };
  const names = Array.from({ length: replicas }, (_, i) => `replica-${i}`);
  const exchangeOf = (rank: number): Exchange => ({
    replicas: () => ({ count: replicas, rank, others: names.filter((_, i) => i !== rank) }),
    hide: (key) => hash("sha256", key, "binary").slice(0, 16),
    handle: (it) => {
      handlers[rank] = it;
    },
    ask: (to, question) => {
      const target = names.indexOf(to);
      post({ kind: "question", from: names[rank] as string, question }, (message) => {
        if (message.kind !== "question") return;
        const { asked } = handlers[target] as ExchangeHandler;
        const answer = asked(message.from, message.question);
        post({ kind: "answer", from: to, answer }, (back) => {
          if (back.kind === "answer") handlers[rank]?.answered(back.from, back.answer);
        });
      });
    },
    settle: (to, seq, unused) => {
      post({ kind: "settled", from: names[rank] as string, seq, unused }, (message) => {
        if (message.kind === "settled")
          handlers[names.indexOf(to)]?.settled(message.from, message.seq, message.unused);
      });
    },
    close: () => {},
  });
  const limiters = names.map((_, rank) =>
    createLimiter({
      now: () => nowMs,
      timers,
      exchange: exchangeOf(rank),
      ...(maxIdentities !== undefined && { maxIdentities }),
    }),
  );
  /** What follows from a resolved promise happens at the same time. */
  const settle = async () => {
    for (let i = 0; i < 4; i++) await undefined;
  };

  return {
    limiters,
    admissions,
    refusals,
    messages: () => messages,
    nowMs: () => nowMs,
    take(replica, identity, policies, factor = 1) {
      const note = ({ allowed }: Decision) => {
        (allowed ? admissions : refusals).push({ identity, atMs: nowMs, replica });
      };
      const { take } = limiters[replica] as Limiter;
      const decision = take(identity, policies, factor);
      if (decision instanceof Promise) void decision.then(note);
      else note(decision);
    },
    async pass(ms) {
      const untilMs = nowMs + ms;
      for (;;) {
        due.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
        const next = due[0];
        if (!next || next.atMs > untilMs) break;
        due = due.slice(1);
        nowMs = Math.max(nowMs, next.atMs);
        next.work?.();
        await settle();
      }
      nowMs = untilMs;
      await settle();
    },
  };
}

/** Most that were admitted within any window of this length. */
export function mostWithin(admissions: readonly Admission[], lengthMs: number): number {
  let most = 0;
  for (let first = 0, last = 0; last < admissions.length; last++) {
    while (spanMs(admissions[first], admissions[last]) >= lengthMs) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

const spanMs = (first?: Admission, last?: Admission) => (last?.atMs ?? 0) - (first?.atMs ?? 0);
