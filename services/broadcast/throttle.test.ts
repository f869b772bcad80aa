import fc from "fast-check";
import { expect, test } from "vitest";
import { chunkOf, nextAfter } from "./throttle.ts";

test("in any stretch of time no more go out than its seconds allow and a chunk", () => {
  const delays = fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 50 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), delays, (perSecond, late) => {
      const chunk = chunkOf(perSecond);
      expect(chunk).toBeGreaterThan(0);
      expect(chunk).toBeLessThanOrEqual(Math.max(1, perSecond));
      let nextMs = 0;
      const times = late.map((delayMs) => {
        const atMs = nextMs + delayMs;
        nextMs = nextAfter(atMs, chunk, perSecond);
        return atMs;
      });
      for (const [from, fromMs] of times.entries()) {
        for (const [at, atMs] of times.entries()) {
          if (at < from) continue;
          const went = (at - from + 1) * chunk;
          expect(went).toBeLessThanOrEqual(((atMs - fromMs) / 1000) * perSecond + chunk + 1e-6);
        }
      }
    }),
  );
});

test("who is never late sends as many as asked for", () => {
  expect(chunkOf(50)).toBe(13);
  expect(nextAfter(0, 13, 50)).toBe(260);
  expect(chunkOf(1000)).toBe(100);
  expect(nextAfter(0, 100, 1000)).toBe(100);
});
