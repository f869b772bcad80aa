import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RetryInfoSchema } from "#gen/google/rpc/error_details_pb.js";
import { fail, reasonOf } from "../errors.ts";
import type { Hedge } from "../resilience/hedge.ts";
import { createHedge, hedgePolicy } from "../resilience/hedge.ts";
import type { ScriptedCallee, ScriptedCalleeOptions, Try } from "../testing/scripted-callee.ts";
import {
  emptyAnswer,
  failures,
  instanceAt,
  requestWithin,
  scriptedCallee,
  usualPolicy,
} from "../testing/scripted-callee.ts";
import type { CallPolicy } from "./call-policy.ts";
import type { Verdict } from "./retry-policy.ts";
import { UnaryCall } from "./unary-call.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

interface Made extends ScriptedCallee {
  readonly call: UnaryCall;
  /** How it ended, once it did. */
  outcome(): Promise<ConnectError | "answered">;
  settled(): boolean;
}

function make(
  options: ScriptedCalleeOptions = {},
  policy: Partial<CallPolicy> & { withinMs?: number } = {},
): Made {
  const scripted = scriptedCallee(options);
  return callOn(scripted, policy, options.hedge);
}

function callOn(
  scripted: ScriptedCallee,
  { withinMs = 1000, ...policy }: Partial<CallPolicy> & { withinMs?: number } = {},
  hedge?: Hedge,
): Made {
  const call = new UnaryCall(scripted.callee, { ...usualPolicy, ...policy }, requestWithin(withinMs), hedge);
  let settled = false;
  const outcome = call
    .run()
    .then(
      () => "answered" as const,
      (error: unknown) => error as ConnectError,
    )
    .finally(() => {
      settled = true;
    });
  return { ...scripted, call, outcome: () => outcome, settled: () => settled };
}

const errorOf = async (made: Made): Promise<ConnectError> => {
  await vi.runAllTimersAsync();
  const outcome = await made.outcome();
  if (outcome === "answered") throw new Error("it was answered");
  return outcome;
};

/** Each try meets with the next of these; the last one stays. */
function inTurn(...outcomes: Array<Verdict | "answered" | "nothing">): (it: Try) => void {
  let at = 0;
  return ({ settle }) => {
    const outcome = outcomes[Math.min(at++, outcomes.length - 1)] ?? "nothing";
    if (outcome === "nothing") return;
    if (outcome === "answered") queueMicrotask(() => settle.answered(emptyAnswer));
    else queueMicrotask(() => settle.failed(failures[outcome]()));
  };
}

const balanced = ({ counts }: ScriptedCallee) => {
  expect(counts.ended).toBe(counts.begun);
  expect(counts.reports).toBe(counts.tickets);
};
const plenty = { ratio: 1, minPerSecond: 1000, windowMs: 10_000 };

describe("a try that ends", () => {
  test.each<[Verdict, boolean, number, string]>([
    ["answer", true, 1, "succeeded"],
    ["answer", false, 1, "succeeded"],
    ["absent", true, 2, "cancelled"],
    ["absent", false, 2, "cancelled"],
    ["leaving", true, 2, "cancelled"],
    ["leaving", false, 2, "cancelled"],
    ["overloaded", true, 2, "cancelled"],
    ["overloaded", false, 2, "cancelled"],
    ["broken", true, 2, "failed"],
    ["broken", false, 1, "failed"],
  ])(
    "as %s of a method whose being repeatable is %s makes %i tries",
    async (kind, repeatable, tries, told) => {
      const made = make({ onTry: inTurn(kind, "answered") }, { repeatable });
      await vi.runAllTimersAsync();
      const outcome = await made.outcome();
      expect(made.tries.length).toBe(tries);
      expect(made.reports[0]).toBe(told);
      if (tries === 2) {
        expect(outcome).toBe("answered");
        expect(made.tries[1]?.at).not.toBe(made.tries[0]?.at);
      } else {
        expect((outcome as ConnectError).code).toBe(failures[kind]().error.code);
      }
      balanced(made);
    },
  );

  test("out of time or broken inside is not repeated, though its method may be", async () => {
    for (const error of [fail.deadline("deadline_exceeded", "late"), fail.internal("internal", "broken")]) {
      const made = make({ onTry: ({ settle }) => settle.failed({ error, processed: true }) });
      expect(await errorOf(made)).toBe(error);
      expect(made.tries.length).toBe(1);
      expect(made.reports).toEqual(["failed"]);
    }
  });

  test("with the overload of somebody further on is not repeated: its instance did something", async () => {
    const { error } = failures.overloaded();
    const onTry = ({ settle }: Try) => settle.failed({ error, processed: true });
    const once = make({ onTry }, { repeatable: false });
    expect(await errorOf(once)).toBe(error);
    expect(once.tries.length).toBe(1);
    const again = make({ onTry, budget: plenty }, { repeatable: true });
    expect((await errorOf(again)).code).toBe(Code.ResourceExhausted);
    expect(again.tries.length).toBe(4);
  });

  test("by throwing in the lane fails the call, and leaves nothing counted", async () => {
    const made = make({
      onTry: () => {
        throw new TypeError("a lane with a bug");
      },
    });
    expect((await errorOf(made)).code).toBe(Code.Internal);
    expect(vi.getTimerCount()).toBe(0);
    balanced(made);
  });

  test("before its lane has said how to give it up is as good as any", async () => {
    const made = make({ onTry: ({ settle }) => settle.answered(emptyAnswer) });
    await vi.runAllTimersAsync();
    expect(await made.outcome()).toBe("answered");
    balanced(made);
  });
});

describe("tries end", () => {
  test("when there were as many as may be, which the error says without losing what it was", async () => {
    const first = failures.broken().error;
    const made = make(
      { onTry: ({ settle }) => settle.failed({ error: first, processed: true }), budget: plenty },
      { maxAttempts: 3 },
    );
    const error = await errorOf(made);
    expect(made.tries.length).toBe(3);
    expect(error.rawMessage).toBe("the connection was lost (tried 3 times)");
    expect([error.code, reasonOf(error), error.details]).toEqual([
      Code.Unavailable,
      "connection_lost",
      first.details,
    ]);
    expect(made.noted).toEqual(["retried order connection_lost", "retried order connection_lost"]);
  });

  test("when the budget is spent, which the error says", async () => {
    const made = make({
      onTry: inTurn("broken"),
      budget: { ratio: 0, minPerSecond: 0.1, windowMs: 10_000 },
    });
    const error = await errorOf(made);
    expect(made.tries.length).toBe(2);
    expect(error.rawMessage).toBe(
      "the connection was lost (not tried again: 1 retries of 1 calls in 10 s, 1 allowed)",
    );
    expect([error.code, reasonOf(error)]).toEqual([Code.Unavailable, "connection_lost"]);
    expect(error.details).toEqual(failures.broken().error.details);
    expect(made.noted).toContain("rejected out order budget");
  });

  test("at the deadline: no wait goes beyond it", async () => {
    const made = make({ onTry: inTurn("broken"), random: () => 0.999, budget: plenty }, { withinMs: 20 });
    const error = await errorOf(made);
    expect(made.tries.length).toBe(1);
    expect(reasonOf(error)).toBe("connection_lost");
  });

  test("only then for an instance that leaves: going elsewhere costs no budget", async () => {
    const none = { ratio: 0, minPerSecond: 0, windowMs: 10_000 };
    const made = make({ onTry: inTurn("leaving", "answered"), budget: none });
    await vi.runAllTimersAsync();
    expect(await made.outcome()).toBe("answered");
  });
});

test("the callee's own wish to be left alone is honoured", async () => {
  const error = fail.exhausted("overloaded", "later", { retryAfterMs: 300 });
  let tries = 0;
  const made = make({
    instances: [instanceAt(1)],
    onTry: ({ settle }) => {
      if (tries++ === 0) settle.failed({ error, processed: false });
      else settle.answered(emptyAnswer);
    },
  });
  expect(durationMs(error.findDetails(RetryInfoSchema)[0]!.retryDelay!)).toBe(300);
  await vi.advanceTimersByTimeAsync(299);
  expect(made.tries.length).toBe(1);
  await vi.advanceTimersByTimeAsync(2);
  expect(made.tries.length).toBe(2);
  expect(await made.outcome()).toBe("answered");
});

test("each try is told what is left of the time", async () => {
  const made = make({ instances: [instanceAt(1)], random: () => 0.5, budget: plenty });
  await vi.advanceTimersByTimeAsync(400);
  made.tries[0]!.settle.failed(failures.broken());
  await vi.advanceTimersByTimeAsync(100);
  // 400 ms gone, and half of the first backoff of 25 ms.
  expect(made.tries.map(({ timeoutMs }) => timeoutMs)).toEqual([1000, expect.closeTo(587.5, -0.5)]);
  made.call.abort(new ConnectError("enough", Code.Canceled));
  await made.outcome();
});

describe("the second try of a hedge", () => {
  const hedge = () =>
    createHedge({
      now: () => performance.now(),
      policy: { ...hedgePolicy, delayMs: 50, budget: plenty },
    });

  test("goes out after the delay, to another instance; the winner's answer counts, the loser is given up", async () => {
    const made = make({ hedge: hedge() });
    await vi.advanceTimersByTimeAsync(49);
    expect(made.tries.length).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    const [first, second] = made.tries;
    expect(second?.at).not.toBe(first?.at);
    second!.settle.answered(emptyAnswer);
    expect(await made.outcome()).toBe("answered");
    expect([first?.cancelled, second?.cancelled]).toEqual([true, false]);
    expect(made.reports).toEqual(["succeeded", "cancelled"]);
    expect(made.noted).toEqual(["hedged order"]);
    expect(vi.getTimerCount()).toBe(0);
    balanced(made);
  });

  test("does not go out when the first was quick, nor without leave", async () => {
    const quick = make({ hedge: hedge(), onTry: inTurn("answered") });
    await quick.outcome();
    const forbidden = make({ hedge: { ...hedge(), mayHedge: () => false } });
    await vi.advanceTimersByTimeAsync(900);
    expect([quick.tries.length, forbidden.tries.length]).toEqual([1, 1]);
    forbidden.call.abort(new Error("enough"));
    await forbidden.outcome();
  });

  test("does not go where the first is, nor fail the call when there is nowhere else", async () => {
    const alone = make({ hedge: hedge(), instances: [instanceAt(1)] });
    const shut = make({ hedge: hedge(), breaker: { failuresInARow: 1 } });
    const [at] = shut.tries;
    for (const endpoint of shut.callee.endpoints.all) endpoint.breaker.failed(endpoint.breaker.begin());
    await vi.advanceTimersByTimeAsync(500);
    expect([alone.tries.length, shut.tries.length]).toEqual([1, 1]);
    at!.settle.answered(emptyAnswer);
    alone.tries[0]!.settle.answered(emptyAnswer);
    expect([await shut.outcome(), await alone.outcome()]).toEqual(["answered", "answered"]);
  });

  test("is waited for when the first fails, and its answer counts", async () => {
    const made = make({ hedge: hedge() });
    await vi.advanceTimersByTimeAsync(50);
    const [first, second] = made.tries;
    first!.settle.failed(failures.broken());
    await vi.advanceTimersByTimeAsync(1);
    expect([made.settled(), made.tries.length]).toEqual([false, 2]);
    second!.settle.answered(emptyAnswer);
    expect(await made.outcome()).toBe("answered");
    balanced(made);
  });
});

describe("at the deadline", () => {
  test("all tries are given up, their breakers are told, and the error says who did not answer", async () => {
    const hedge = createHedge({
      now: () => performance.now(),
      policy: { ...hedgePolicy, delayMs: 50, budget: plenty },
    });
    const made = make({ hedge }, { withinMs: 600 });
    await vi.advanceTimersByTimeAsync(599);
    expect(made.settled()).toBe(false);
    const error = await errorOf(made);
    expect([error.code, reasonOf(error)]).toEqual([Code.DeadlineExceeded, "deadline_exceeded"]);
    const [one, other] = made.tries;
    expect(error.rawMessage).toBe(
      `order.v1.OrderService/GetOrder did not end within its 600 ms: ${one?.at} and ${other?.at} did not answer`,
    );
    expect(made.tries.every(({ cancelled }) => cancelled)).toBe(true);
    expect(made.reports).toEqual(["failed", "failed"]);
    balanced(made);
  });

  test("a caller who gives hardly any time makes no instance look ill to others", async () => {
    const made = make({}, { withinMs: 20 });
    await errorOf(made);
    expect(made.reports).toEqual(["cancelled"]);
    balanced(made);
  });

  test("between two tries the error tells of the last one", async () => {
    const made = make({ instances: [instanceAt(1)], onTry: inTurn("absent") }, { withinMs: 300 });
    const error = await errorOf(made);
    expect(error.code).toBe(Code.DeadlineExceeded);
    expect(error.rawMessage).toContain("cannot connect to 10.0.0.1:8012");
  });

  test("an answer that comes later changes nothing", async () => {
    const made = make({}, { withinMs: 100 });
    const error = await errorOf(made);
    made.tries[0]!.settle.answered(emptyAnswer);
    expect(await made.outcome()).toBe(error);
  });
});

describe("a caller who loses interest", () => {
  test("ends the call at once with its reason, and blames nobody", async () => {
    const made = make();
    made.call.abort(new ConnectError("the user left", Code.Canceled));
    const error = (await made.outcome()) as ConnectError;
    expect([error.code, error.rawMessage]).toEqual([Code.Canceled, "the user left"]);
    expect(made.tries[0]?.cancelled).toBe(true);
    expect(made.reports).toEqual(["cancelled"]);
    expect(vi.getTimerCount()).toBe(0);
    balanced(made);
  });

  test("during a wait between tries leaves no timer", async () => {
    const made = make({ instances: [instanceAt(1)], onTry: inTurn("broken"), random: () => 0.9 });
    await vi.advanceTimersByTimeAsync(1);
    made.call.abort(new Error("enough"));
    await made.outcome();
    expect([vi.getTimerCount(), made.tries.length]).toEqual([0, 1]);
  });

  test("after the end changes nothing", async () => {
    const made = make({ onTry: inTurn("answered") });
    expect(await made.outcome()).toBe("answered");
    made.call.abort(new Error("too late"));
    expect(await made.outcome()).toBe("answered");
    balanced(made);
  });
});

describe("a callee that is not there yet", () => {
  test("is waited for, and found as soon as it appears", async () => {
    const made = make(
      { instances: [], onTry: inTurn("answered"), random: () => 0.999 },
      { withinMs: 10_000 },
    );
    await vi.advanceTimersByTimeAsync(3000);
    expect(made.settled()).toBe(false);
    made.directory.set([instanceAt(1)]);
    await vi.advanceTimersByTimeAsync(501);
    expect(await made.outcome()).toBe("answered");
  });

  test("is waited for no longer than that, and the error says what to do", async () => {
    const made = make({ instances: [], readyMs: 2000, random: () => 0.5 }, { withinMs: 10_000 });
    const begun = performance.now();
    const error = await errorOf(made);
    expect(performance.now() - begun).toBeLessThanOrEqual(2000);
    expect([error.code, reasonOf(error)]).toEqual([Code.Unavailable, "no_instance"]);
    expect(error.rawMessage).toBe("no instance of order is known; start order, or name it in WEFT_ENDPOINTS");
  });

  test("is not waited for anew by every call once it has been away for so long", async () => {
    const scripted = scriptedCallee({ instances: [], readyMs: 2000, random: () => 0.5 });
    const first = callOn(scripted, { withinMs: 10_000 });
    await vi.advanceTimersByTimeAsync(2000);
    expect(reasonOf(await first.outcome())).toBe("no_instance");
    const second = callOn(scripted, { withinMs: 10_000 });
    await vi.advanceTimersByTimeAsync(0);
    expect(second.settled()).toBe(true);
    scripted.directory.set([instanceAt(1)]);
    expect(scripted.callee.endpoints.all).toHaveLength(1);
    scripted.directory.set([]);
    const third = callOn(scripted, { withinMs: 10_000 });
    await vi.advanceTimersByTimeAsync(1000);
    expect(third.settled()).toBe(false);
    await vi.advanceTimersByTimeAsync(1000);
    expect(third.settled()).toBe(true);
  });

  test("but is announced is tried again and again, whatever tries are allowed", async () => {
    let up = false;
    const made = make(
      {
        instances: [instanceAt(1)],
        random: () => 0.5,
        onTry: ({ settle }) => (up ? settle.answered(emptyAnswer) : settle.failed(failures.absent())),
      },
      { withinMs: 10_000, maxAttempts: 1 },
    );
    await vi.advanceTimersByTimeAsync(2000);
    expect(made.settled()).toBe(false);
    expect(made.tries.length).toBeGreaterThan(3);
    up = true;
    await vi.advanceTimersByTimeAsync(1600);
    expect(await made.outcome()).toBe("answered");
    expect(made.counts.reports).toBe(made.counts.tickets);
  });

  test("fails at once where nobody waits for it", async () => {
    const made = make({ instances: [], readyMs: 0 });
    expect(reasonOf(await errorOf(made))).toBe("no_instance");
    expect(made.tries).toEqual([]);
  });
});

describe("where all breakers are open", () => {
  test("a call is not made, and the error says whose, why, and until when", async () => {
    let nowMs = 0;
    const scripted = scriptedCallee({
      instances: [instanceAt(4)],
      now: () => nowMs,
      onTry: inTurn("broken"),
      breaker: { openMs: 3100 },
    });
    for (let i = 0; i < 5; i++) await callOn(scripted, { repeatable: false }).outcome();
    const made = callOn(scripted);
    const error = await errorOf(made);
    expect([error.code, reasonOf(error), error.rawMessage]).toEqual([
      Code.Unavailable,
      "breaker_open",
      "breaker open for order@10.0.0.4:8012: 5 failures in a row, next try in 3.1 s",
    ]);
    expect(scripted.tries.length).toBe(5);
    expect(scripted.noted).toContain("rejected out order breaker");
    nowMs = 3100;
    callOn(scripted);
    expect(scripted.tries.length).toBe(6);
    await vi.runAllTimersAsync();
  });

  test("and there are several instances, the error says that none of them takes calls", async () => {
    const scripted = scriptedCallee({ onTry: inTurn("broken"), breaker: { failuresInARow: 1 } });
    await callOn(scripted, { repeatable: false }).outcome();
    await callOn(scripted, { repeatable: false }).outcome();
    const error = await errorOf(callOn(scripted));
    expect(error.rawMessage).toContain("(none of its 2 instances takes calls)");
  });
});

describe("whatever happens to a call", () => {
  const step = fc.record({
    kind: fc.constantFrom<Verdict | "answered" | "never" | "throws">(
      "answered",
      "answer",
      "absent",
      "leaving",
      "overloaded",
      "broken",
      "never",
      "throws",
    ),
    afterMs: fc.constantFrom(-1, 0, 1, 30, 200),
  });
  const script = fc.record({
    steps: fc.array(step, { minLength: 1, maxLength: 12 }),
    instances: fc.integer({ min: 0, max: 3 }),
    repeatable: fc.boolean(),
    hedged: fc.boolean(),
    maxAttempts: fc.integer({ min: 1, max: 4 }),
    abortAtMs: fc.option(fc.integer({ min: 0, max: 600 }), { nil: undefined }),
    leavesAtMs: fc.option(fc.integer({ min: 0, max: 600 }), { nil: undefined }),
    failuresInARow: fc.integer({ min: 1, max: 3 }),
    readyMs: fc.constantFrom(0, 100, 5000),
    random: fc.double({ min: 0, max: 0.999, noNaN: true }),
  });

  test("it settles once, each try is told of once, and no timer stays", async () => {
    await fc.assert(
      fc.asyncProperty(script, async ({ steps, ...given }) => {
        let at = 0;
        const hedge = given.hedged
          ? createHedge({
              now: () => performance.now(),
              policy: { ...hedgePolicy, delayMs: 20, budget: plenty },
            })
          : undefined;
        const all = [instanceAt(1), instanceAt(2), instanceAt(3)].slice(0, given.instances);
        const scripted = scriptedCallee({
          instances: all,
          readyMs: given.readyMs,
          random: () => given.random,
          breaker: { failuresInARow: given.failuresInARow, openMs: 50 },
          onTry: (it) => {
            const { kind, afterMs } = steps[at++ % steps.length]!;
            if (kind === "never") return;
            if (kind === "throws") throw new Error("a lane with a bug");
            const settle = () =>
              kind === "answered" ? it.settle.answered(emptyAnswer) : it.settle.failed(failures[kind]());
            if (afterMs < 0) settle();
            else {
              const timer = setTimeout(settle, afterMs);
              it.onCancel = () => clearTimeout(timer);
            }
          },
        });
        const call = new UnaryCall(
          scripted.callee,
          { ...usualPolicy, repeatable: given.repeatable, maxAttempts: given.maxAttempts },
          requestWithin(500),
          hedge,
        );
        const begun = performance.now();
        let settled = 0;
        let tookMs = 0;
        const end = () => {
          settled++;
          tookMs = performance.now() - begun;
        };
        call.run().then(end, end);
        const outside = [
          given.abortAtMs !== undefined && setTimeout(() => call.abort(new Error("enough")), given.abortAtMs),
          given.leavesAtMs !== undefined &&
            setTimeout(() => scripted.directory.set(all.slice(1)), given.leavesAtMs),
        ];
        await vi.advanceTimersByTimeAsync(501);
        expect(settled).toBe(1);
        expect(tookMs).toBeLessThanOrEqual(500);
        for (const timer of outside) if (timer) clearTimeout(timer);
        expect(vi.getTimerCount()).toBe(0);
        balanced(scripted);
        for (const { load } of scripted.callee.endpoints.all) expect(load.inFlight).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
