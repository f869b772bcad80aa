import { expect, test } from "vitest";
import { createIdSource } from "./ids.ts";

test("ids are lower-case hex of the right length, and none comes twice", () => {
  const ids = createIdSource();
  const seen = new Set<string>();
  for (let count = 0; count < 500; count++) {
    const traceId = ids.traceId();
    const spanId = ids.spanId();
    expect(traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(spanId).toMatch(/^[0-9a-f]{16}$/);
    seen.add(traceId).add(spanId);
  }
  expect(seen.size).toBe(1000);
});

test("every byte of randomness is used once, and anew after a fill", () => {
  let fills = 0;
  const ids = createIdSource((bytes) => bytes.fill(++fills));
  const drawn = Array.from({ length: 65 }, () => ids.spanId());
  expect(drawn.slice(0, 64)).toEqual(Array(64).fill("01".repeat(8)));
  expect(drawn[64]).toBe("02".repeat(8));
});
