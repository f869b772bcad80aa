import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createHistogram } from "./histogram.ts";

describe("a histogram", () => {
  test("of nothing has no quantiles", () => {
    expect(createHistogram().quantile(0.5)).toBeNaN();
  });

  test("tells every quantile to within 1 %, or a thousandth of a millisecond", () => {
    const latencies = fc.array(fc.double({ min: 0, max: 100_000, noNaN: true }), {
      minLength: 1,
      maxLength: 300,
    });
    fc.assert(
      fc.property(latencies, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
        const histogram = createHistogram();
        for (const value of values) histogram.record(value);
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1]!;
        expect(Math.abs(histogram.quantile(share) - exact)).toBeLessThanOrEqual(
          Math.max(0.001, exact * 0.01),
        );
        expect(histogram.count).toBe(values.length);
      }),
    );
  });

  test("counts what is out of its range at its ends", () => {
    const histogram = createHistogram();
    histogram.record(-1);
    expect(histogram.quantile(1)).toBe(0);
    histogram.record(1e12);
    expect(histogram.quantile(1)).toBeGreaterThan(250_000);
  });
});
