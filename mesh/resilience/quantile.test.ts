import { describe, expect, test } from "vitest";
import { createQuantile } from "./quantile.ts";

/** The fractional parts of multiples of the golden ratio: evenly spread, the same each run. */
const spread = (i: number) => (i * 0.6180339887498949) % 1;

const shapes: Record<string, (u: number) => number> = {
  even: (u) => 10 + 90 * u,
  exponential: (u) => -Math.log(1 - u) * 5,
  "of two kinds": (u) => (u < 0.9 ? 1 + u : 200 + 100 * u),
};

describe.each(Object.entries(shapes))("of latencies that are %s", (_, shape) => {
  test("about one in twenty is above the 95th percentile", () => {
    const quantile = createQuantile(0.95);
    for (let i = 0; i < 5000; i++) quantile.add(shape(spread(i)));
    let above = 0;
    for (let i = 5000; i < 15_000; i++) {
      if (shape(spread(i)) > quantile.value) above++;
      quantile.add(shape(spread(i)));
    }
    expect(above).toBeGreaterThan(350);
    expect(above).toBeLessThan(650);
  });
});

test("an odd first value is left behind within some hundred calls", () => {
  const quantile = createQuantile(0.95);
  quantile.add(5000);
  for (let i = 0; i < 1000; i++) quantile.add(10 + spread(i));
  expect(quantile.value).toBeLessThan(100);
});

test("it follows latencies that rise", () => {
  const quantile = createQuantile(0.95);
  for (let i = 0; i < 2000; i++) quantile.add(10 + spread(i));
  for (let i = 0; i < 200; i++) quantile.add(100 + spread(i));
  expect(quantile.value).toBeGreaterThan(90);
});

test("no value makes it anything but a positive number", () => {
  const quantile = createQuantile(0.95);
  for (const value of [0, -5, Number.NaN, 1, 0, 0, Number.NaN]) quantile.add(value);
  for (let i = 0; i < 10_000; i++) quantile.add(0);
  expect(quantile.value).toBeGreaterThan(0);
  for (let i = 0; i < 1000; i++) quantile.add(10);
  expect(quantile.value).toBeGreaterThan(9);
  expect(quantile.count).toBe(11_007);
});
