import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { createPeakEwma, type PeakEwma } from "./peak-ewma.ts";

let now = 0;
beforeEach(() => {
  now = 1_000_000;
});
const create = (weight = 100) => createPeakEwma({ weight, now: () => now });
const call = (load: PeakEwma, latencyMs: number) => {
  load.begin();
  now += latencyMs;
  load.end(latencyMs);
};
/** An endpoint that has long answered in this time. */
const settled = (latencyMs: number, weight?: number) => {
  const load = create(weight);
  call(load, latencyMs);
  return load;
};

describe("the cost", () => {
  test("is latency × (in flight + 1) / weight", () => {
    const load = settled(20, 200);
    expect(load.cost()).toBeCloseTo(20 / 200);
    load.begin();
    load.begin();
    expect(load.cost()).toBeCloseTo((20 * 3) / 200);
    expect(load.inFlight).toBe(2);
  });

  test("rises at once with a slow answer and falls with time", () => {
    const load = settled(10);
    call(load, 500);
    expect(load.cost()).toBeCloseTo(5);
    call(load, 10);
    expect(load.cost()).toBeGreaterThan(4.9);
    for (let i = 0; i < 1000; i++) call(load, 10);
    expect(load.cost()).toBeGreaterThan(0.1 + 4.9 * Math.exp(-1) * 0.9);
    expect(load.cost()).toBeLessThan(0.1 + 4.9 * Math.exp(-1) * 1.1);
  });

  test("of an idle endpoint decays, so that it is asked again", () => {
    const load = settled(500);
    const quick = settled(5);
    now += 60_000;
    call(quick, 5);
    quick.begin();
    expect(load.cost()).toBeLessThan(quick.cost());
  });

  test("of an endpoint that hangs rises before its first timeout", () => {
    const hung = settled(5);
    const well = settled(5);
    hung.begin();
    well.begin();
    now += 400;
    well.end(400);
    well.begin();
    expect(hung.cost()).toBeCloseTo(8);
    now += 600;
    expect(hung.cost()).toBeCloseTo(20);
  });

  test("of calls that end as they should is not raised by their number", () => {
    const load = settled(5);
    for (let i = 0; i < 4; i++) load.begin();
    for (let i = 0; i < 1000; i++) {
      now += 1;
      load.end(5);
      load.begin();
    }
    expect(load.cost()).toBeCloseTo((5 * 5) / 100);
  });
});

describe("a new endpoint", () => {
  test("is found by the first call however quick the others are, and gets no second before it answered", () => {
    const old = settled(0.5);
    for (let i = 0; i < 50; i++) old.begin();
    const fresh = create();
    expect(fresh.cost()).toBe(0);
    fresh.begin();
    expect(fresh.cost()).toBeGreaterThan(old.cost());
    now += 2;
    fresh.end(2);
    expect(fresh.cost()).toBeCloseTo(0.02);
  });

  test("among new ones costs by its calls in flight", () => {
    const [a, b] = [create(), create()];
    a.begin();
    a.begin();
    b.begin();
    expect(b.cost()).toBeLessThan(a.cost());
  });
});

describe("a rejection for overload", () => {
  test("counts as slow though it came quickly", () => {
    const load = settled(20);
    load.begin();
    load.rejected();
    expect(load.cost()).toBeCloseTo(0.4);
    expect(load.inFlight).toBe(0);
  });

  test("again and again costs up to a second, never less than before", () => {
    const load = settled(0.1);
    for (let i = 0; i < 50; i++) {
      load.begin();
      load.rejected();
    }
    expect(load.cost()).toBeCloseTo(10);
    const slower = settled(3000);
    slower.begin();
    slower.rejected();
    expect(slower.cost()).toBeCloseTo(30);
  });

  test("of a new endpoint is known", () => {
    const load = create();
    load.begin();
    load.rejected();
    expect(load.cost()).toBeCloseTo(0.1);
  });
});

test("whatever is reported, the cost is a number that is not negative", () => {
  const step = fc.record({
    act: fc.constantFrom("begin" as const, "end" as const, "rejected" as const, "wait" as const),
    ms: fc.oneof(fc.integer({ min: -10, max: 100_000 }), fc.constant(Number.NaN), fc.constant(1e9)),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const load = create();
      for (const { act, ms } of steps) {
        if (act === "begin") load.begin();
        if (act === "end") load.end(ms);
        if (act === "rejected") load.rejected();
        if (act === "wait") now += ms > 0 ? ms : 0;
        expect(load.cost()).toBeGreaterThanOrEqual(0);
        expect(load.cost()).toBeLessThan(Number.POSITIVE_INFINITY);
        expect(load.inFlight).toBeGreaterThanOrEqual(0);
      }
    }),
  );
});
