import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createIdSource } from "./ids.ts";
import { createSampler } from "./sampler.ts";

const ids = createIdSource();
const parent = (sampled: boolean, outside = false) => ({
  traceId: "f".repeat(32),
  spanId: "1".repeat(16),
  sampled,
  outside,
});
const shareOf = (draws: number, draw: () => boolean) =>
  Array.from({ length: draws }, draw).filter(Boolean).length / draws;

describe("at the start", () => {
  test.each([0, 0.1, 0.5, 1])("a share of %d of traces is sampled", (ratio) => {
    const sampler = createSampler(ratio);
    const share = shareOf(20_000, () => sampler.sample(ids.traceId(), ids.spanId(), undefined));
    // Beyond six standard deviations.
    expect(Math.abs(share - ratio)).toBeLessThan(ratio % 1 === 0 ? 1e-9 : 0.022);
  });

  test("who samples more samples all that who samples less does", () => {
    const digit = fc.constantFrom(..."0123456789abcdef");
    const traceId = fc.array(digit, { minLength: 32, maxLength: 32 }).map((it) => it.join(""));
    fc.assert(
      fc.property(
        traceId,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (id, a, b) => {
          const low = createSampler(Math.min(a, b)).sample(id, "0".repeat(16), undefined);
          const high = createSampler(Math.max(a, b)).sample(id, "f".repeat(16), undefined);
          expect(high || !low).toBe(true);
        },
      ),
    );
  });

  test("the lot is in the last 56 bits of the trace id, as OpenTelemetry draws it", () => {
    const sampler = createSampler(0.5);
    const below = `${"f".repeat(18)}7${"f".repeat(13)}`;
    const above = `${"0".repeat(18)}8${"0".repeat(13)}`;
    expect(sampler.sample(below, "", undefined)).toBe(false);
    expect(sampler.sample(above, "", undefined)).toBe(true);
  });

  test("the parent's decision stands, whatever the ratio", () => {
    expect(createSampler(0).sample("f".repeat(32), "f".repeat(16), parent(true))).toBe(true);
    expect(createSampler(1).sample("f".repeat(32), "f".repeat(16), parent(false))).toBe(false);
  });

  test("a parent from outside has no say, nor has the trace id it chose", () => {
    const sampler = createSampler(0.1);
    const share = shareOf(20_000, () => sampler.sample("f".repeat(32), ids.spanId(), parent(true, true)));
    expect(Math.abs(share - 0.1)).toBeLessThan(0.022);
  });
});

describe("at the end", () => {
  test("what was sampled is kept, what went well unsampled is not", () => {
    const sampler = createSampler(0.1);
    expect(sampler.keep(true, "ok", 0)).toBe(true);
    expect(sampler.keep(false, "ok", 0)).toBe(false);
  });

  test("faults are always kept", () => {
    const sampler = createSampler(0);
    expect(shareOf(10_000, () => sampler.keep(false, "unavailable", 5))).toBe(1);
  });

  test("a flood of callers' mistakes is kept at 50 a second, and does not take the place of faults", () => {
    const sampler = createSampler(0);
    const kept = (atMs: number) => shareOf(1000, () => sampler.keep(false, "not_found", atMs)) * 1000;
    expect(kept(10_000)).toBe(50);
    expect(kept(10_999)).toBe(0);
    expect(sampler.keep(false, "internal", 10_999)).toBe(true);
    expect(kept(11_000)).toBe(50);
  });

  test("a clock that is set back does not stop it", () => {
    const sampler = createSampler(0);
    for (let count = 0; count < 60; count++) sampler.keep(false, "not_found", 50_000);
    expect(sampler.keep(false, "not_found", 20_000)).toBe(true);
  });
});
