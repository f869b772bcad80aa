import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { type Breaker, type BreakerState, createBreaker } from "./breaker.ts";
import { breakerPolicy as policy } from "./breaker-policy.ts";

let now = 0;
let changes: BreakerState[] = [];
let breaker: Breaker;
beforeEach(() => {
  now = 1_000_000;
  changes = [];
  breaker = createBreaker({ now: () => now, onChange: (state) => changes.push(state) });
});
const fails = (times = 1) => {
  for (let i = 0; i < times; i++) breaker.failed(breaker.begin());
};
const succeeds = (times = 1) => {
  for (let i = 0; i < times; i++) breaker.succeeded(breaker.begin());
};

describe("opens", () => {
  test("at the fifth failure in a row", () => {
    fails(4);
    succeeds();
    fails(4);
    expect(breaker.state).toBe("closed");
    fails();
    expect(breaker.state).toBe("open");
    expect(breaker.admits()).toBe(false);
    expect(breaker.begin()).toBe(0);
  });

  test("below 80 % success over ten seconds, given 20 calls", () => {
    for (let i = 0; i < 4; i++) {
      fails();
      succeeds(3);
    }
    expect(breaker.state).toBe("closed");
    fails();
    succeeds(2);
    expect(breaker.state).toBe("closed");
    fails();
    expect(breaker.state).toBe("open");
    expect(breaker.describe()).toBe("6 of 20 calls failed within 10 s, next try in 1.0 s");
  });

  test("not at 80 % success, nor for failures that are old", () => {
    for (let i = 0; i < 10; i++) {
      succeeds(4);
      fails();
    }
    expect(breaker.state).toBe("closed");
    now += policy.windowMs;
    succeeds();
    fails(4);
    succeeds();
    fails(4);
    expect(breaker.state).toBe("closed");
  });

  test("not for cancelled calls", () => {
    for (let i = 0; i < 50; i++) breaker.cancelled(breaker.begin());
    expect(breaker.state).toBe("closed");
  });
});

describe("a probe", () => {
  beforeEach(() => {
    fails(5);
    now += policy.openMs;
  });

  test("is let through alone", () => {
    expect(breaker.admits()).toBe(true);
    expect(breaker.state).toBe("open");
    expect(breaker.begin()).toBeGreaterThan(0);
    expect(breaker.state).toBe("half-open");
    expect(breaker.admits()).toBe(false);
    expect(breaker.begin()).toBe(0);
    expect(breaker.describe()).toBe("5 failures in a row, a probe is under way, next try in at most 10.0 s");
  });

  test("that succeeds closes it, with a clean record", () => {
    succeeds();
    expect(changes).toEqual(["open", "half-open", "closed"]);
    fails(4);
    expect(breaker.state).toBe("closed");
  });

  test("that fails opens it for twice as long", () => {
    fails();
    expect(breaker.describe()).toBe("6 failures in a row, next try in 2.0 s");
    now += 1999;
    expect(breaker.admits()).toBe(false);
    now += 1;
    expect(breaker.admits()).toBe(true);
  });

  test("that is cancelled gives its place to the next", () => {
    breaker.cancelled(breaker.begin());
    expect(breaker.admits()).toBe(true);
    expect(breaker.describe()).toBe("5 failures in a row, the next call is a probe");
    succeeds();
    expect(breaker.state).toBe("closed");
  });

  test("that never reports is given up after a while, and its late report counts for nothing", () => {
    const lost = breaker.begin();
    now += policy.probeMs - 1;
    expect(breaker.begin()).toBe(0);
    now += 1;
    const next = breaker.begin();
    expect(next).toBeGreaterThan(0);
    breaker.failed(lost);
    expect(breaker.state).toBe("half-open");
    breaker.succeeded(next);
    expect(breaker.state).toBe("closed");
  });
});

test("calls that hung before it opened are not taken for the probe", () => {
  const hung = [breaker.begin(), breaker.begin()];
  fails(5);
  now += policy.openMs;
  const probe = breaker.begin();
  for (const ticket of hung) breaker.failed(ticket);
  expect(breaker.state).toBe("half-open");
  breaker.succeeded(probe);
  expect(breaker.state).toBe("closed");
});

test("it is open for 1 s, doubling to 60 s, and 1 s again once it was well for a window", () => {
  const openFor: number[] = [];
  fails(5);
  for (let i = 0; i < 8; i++) {
    const openedAt = now;
    while (!breaker.admits()) now += 100;
    openFor.push(now - openedAt);
    fails();
  }
  expect(openFor).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  now += 60_000;
  succeeds();
  fails(5);
  expect(breaker.describe()).toBe("5 failures in a row, next try in 60.0 s");
  now += 60_000;
  succeeds();
  now += policy.windowMs;
  fails(5);
  expect(breaker.describe()).toBe("5 failures in a row, next try in 1.0 s");
});

test("it says when to try again, never too soon", () => {
  expect(breaker.describe()).toBe("closed");
  fails(5);
  now += 10;
  expect(breaker.describe()).toBe("5 failures in a row, next try in 1.0 s");
  now += 901;
  expect(breaker.describe()).toBe("5 failures in a row, next try in 0.1 s");
});

/** The same rules over a plain list of all that was ever reported. */
function createModel() {
  let state: BreakerState = "closed";
  let reports: { part: number; ok: boolean }[] = [];
  let nextTry = 0;
  let openMs = 0;
  let closedAt = Number.NEGATIVE_INFINITY;
  let valid = new Set<object>();
  const open = () => {
    openMs = openMs === 0 ? 1000 : Math.min(openMs * 2, 60_000);
    nextTry = now + openMs;
    state = "open";
    valid = new Set();
  };
  const admits = () => state === "closed" || now >= nextTry;
  return {
    admits,
    state: () => state,
    begin() {
      const ticket = {};
      if (!admits()) return ticket;
      if (state !== "closed") {
        state = "half-open";
        nextTry = now + policy.probeMs;
        valid = new Set();
      }
      valid.add(ticket);
      return ticket;
    },
    report(ticket: object, how: "succeeded" | "failed" | "cancelled") {
      if (!valid.delete(ticket)) return;
      if (how === "cancelled") {
        if (state === "half-open") nextTry = now;
        return;
      }
      if (state === "half-open") {
        if (how === "failed") return open();
        state = "closed";
        closedAt = now;
        reports = [];
        valid = new Set();
        return;
      }
      reports.push({ part: Math.floor(now / 1000), ok: how === "succeeded" });
      const recent = reports.filter(({ part }) => part > Math.floor(now / 1000) - 10);
      const good = recent.filter(({ ok }) => ok).length;
      const row = reports.length >= 5 && reports.slice(-5).every(({ ok }) => !ok);
      if (row || (recent.length >= 20 && good < 0.8 * recent.length)) {
        if (now - closedAt >= policy.windowMs) openMs = 0;
        open();
      }
    },
  };
}

test("whatever happens, it does what the plain rules say, and lets one probe out at a time", () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant({ kind: "begin" as const }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("report" as const),
        which: fc.nat(),
        how: fc.constantFrom(
          "succeeded" as const,
          "succeeded" as const,
          "failed" as const,
          "cancelled" as const,
        ),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(3000) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: "max" }), (steps) => {
      now = 0;
      breaker = createBreaker({ now: () => now });
      const model = createModel();
      const out: { ticket: number; twin: object }[] = [];
      for (const move of steps) {
        if (move.kind === "wait") now += move.ms;
        if (move.kind === "begin") {
          const admits = breaker.admits();
          const ticket = breaker.begin();
          expect(ticket > 0).toBe(admits);
          out.push({ ticket, twin: model.begin() });
        }
        if (move.kind === "report" && out.length > 0) {
          const [{ ticket, twin } = { ticket: 0, twin: {} }] = out.splice(move.which % out.length, 1);
          breaker[move.how](ticket);
          model.report(twin, move.how);
        }
        expect(breaker.state).toBe(model.state());
        expect(breaker.admits()).toBe(model.admits());
      }
    }),
    { numRuns: 300 },
  );
});
