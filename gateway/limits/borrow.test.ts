import { expect, test } from "vitest";
import type { Decision } from "./decision.ts";
import type { AnswerItem, ExchangeHandler, Question } from "./exchange.ts";
import { createLimiter } from "./limiter.ts";
import { createLimitPolicy } from "./policy.ts";

const policies = [createLimitPolicy("some.Method", [{ name: "second", requests: 10, seconds: 1 }])];

/** A limiter of which a test plays the other replica, and whose timers fire when told to. */
function borrower() {
  let nowMs = 0;
  let handler: ExchangeHandler | undefined;
  const work: (() => void)[] = [];
  const questions: Question[] = [];
  const unused: (readonly number[])[] = [];
  const limiter = createLimiter({
    now: () => nowMs,
    timers: { soon: (it) => void work.push(it), after: () => () => {} },
    exchange: {
      replicas: () => ({ count: 2, rank: 0, others: ["other"] }),
      hide: (key) => key.padEnd(16).slice(-16),
      handle: (it) => {
        handler = it;
      },
      ask: (_, question) => void questions.push(question),
      settle: (_, __, it) => void unused.push(it),
      close: () => {},
    },
  });
  const decisions: Decision[] = [];
  const run = () => {
    for (const it of work.splice(0)) it();
  };
  return {
    limiter,
    questions,
    unused,
    admitted: () => decisions.filter(({ allowed }) => allowed).length,
    decided: () => decisions.length,
    pass: (ms: number) => {
      nowMs += ms;
    },
    take: async (count: number) => {
      for (let i = 0; i < count; i++) {
        const decision = limiter.take("ada", policies, 1);
        if (decision instanceof Promise) void decision.then((it) => decisions.push(it));
        else decisions.push(decision);
      }
      run();
      await undefined;
    },
    answer: async (items: readonly AnswerItem[], from = "other", seq = questions.at(-1)?.seq ?? 0) => {
      handler?.answered(from, { seq, items });
      run();
      for (let i = 0; i < 3; i++) await undefined;
    },
  };
}

const lent = (count: number): AnswerItem => ({ lent: count, free: [0], nextMs: [500] });

test("what waits together is asked for together, and what was lent in vain is given back", async () => {
  const { take, questions, answer, admitted, decided, unused, limiter } = borrower();
  await take(8);
  expect(questions.map(({ items }) => items.map(({ want }) => want))).toEqual([[3]]);
  await answer([lent(2)]);
  expect(admitted()).toBe(7);
  expect(decided()).toBe(8);
  expect(unused).toEqual([[0]]);
  expect(limiter.figures()).toMatchObject({ waited: 3, asked: 1, admitted: 7, refused: 1 });
});

test("an answer that comes when the lender counts on it no more lends nothing", async () => {
  const { take, pass, answer, admitted, decided } = borrower();
  await take(6);
  pass(251);
  await answer([lent(1)]);
  expect([admitted(), decided()]).toEqual([5, 6]);
});

test("an answer that was not asked for, says too much or is of another shape lends nothing", async () => {
  const { take, answer, admitted, questions } = borrower();
  await take(7);
  await answer([lent(2)], "stranger");
  await answer([lent(2)], "other", 4711);
  await answer([lent(1), lent(1)]);
  await answer([lent(1000)]);
  await answer([lent(2)], "other", questions[0]?.seq);
  expect(admitted()).toBe(5);
});

test("who knows that there is nothing to lend asks no more until there may be", async () => {
  const { take, pass, answer, questions } = borrower();
  await take(6);
  await answer([lent(0)]);
  for (let i = 0; i < 100; i++) await take(1);
  expect(questions).toHaveLength(1);
  pass(500);
  await take(1);
  expect(questions).toHaveLength(2);
});

test("closing decides all that waits", async () => {
  const { take, limiter, decided } = borrower();
  await take(20);
  limiter.close();
  for (let i = 0; i < 3; i++) await undefined;
  expect(decided()).toBe(20);
});
