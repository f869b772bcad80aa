import fc from "fast-check";
import { expect, test } from "vitest";
import { createIsoTime } from "./iso-time.ts";
import { jsonText } from "./json-text.ts";

test("any text comes back, on one line", () => {
  const units = fc.array(fc.oneof(fc.nat(0xffff), fc.nat(0x7f), fc.integer({ min: 0xd800, max: 0xdfff })));
  fc.assert(
    fc.property(units, (codes) => {
      const text = String.fromCharCode(...codes);
      const json = jsonText(text);
      expect(JSON.parse(json)).toBe(text);
      expect(json).not.toMatch(/[\n\r]/);
      // A lone half of a pair would not survive UTF-8.
      expect(JSON.parse(Buffer.from(json).toString())).toBe(text);
    }),
    { numRuns: 1000 },
  );
});

test("times are written as the engine writes them, forwards and backwards", () => {
  const isoTime = createIsoTime();
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4e12 }),
      fc.array(fc.integer({ min: -1500, max: 1500 })),
      (start, steps) => {
        for (const step of [0, ...steps]) {
          const ms = Math.max(0, start + step);
          expect(isoTime(ms)).toBe(new Date(ms).toISOString());
        }
      },
    ),
  );
});
