import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { acceptTracestate, formatTraceparent, parseTraceparent } from "./trace-context.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";
const good = `00-${traceId}-${spanId}-01`;

const hex = (digits: number) =>
  fc
    .array(fc.constantFrom(..."0123456789abcdef"), { minLength: digits, maxLength: digits })
    .map((it) => it.join(""))
    .filter((it) => !/^0*$/.test(it));

describe("a traceparent", () => {
  test("is read as it was written", () => {
    fc.assert(
      fc.property(hex(32), hex(16), fc.boolean(), (traceId, spanId, sampled) => {
        const text = formatTraceparent({ traceId, spanId, sampled });
        expect(parseTraceparent(text)).toMatchObject({ traceId, spanId, sampled });
      }),
    );
  });

  test("agrees with the grammar of the specification for texts that are nearly right", () => {
    const grammar =
      /^(?!ff)(?:00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}|(?!00)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?)$/s;
    const oddChar = fc.constantFrom(..."0f-gA/:`é \n");
    const nearly = fc
      .tuple(
        fc.constant(good),
        fc.array(fc.tuple(fc.nat(55), oddChar), { maxLength: 3 }),
        fc.constantFrom("", "-", "-x", "0"),
      )
      .map(([text, changes, end]) => {
        const chars = [...text];
        for (const [at, char] of changes) chars[at] = char;
        return chars.join("") + end;
      });
    fc.assert(
      fc.property(nearly, (text) => {
        const [, a, b, c, d] = grammar.exec(text) ?? [];
        const valid = grammar.test(text) && !/^0*$/.test(a ?? c ?? "") && !/^0*$/.test(b ?? d ?? "");
        expect(parseTraceparent(text) !== undefined).toBe(valid);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ["nothing", undefined],
    ["an empty one", ""],
    ["a short one", good.slice(0, -1)],
    ["version ff", `ff${good.slice(2)}`],
    ["capitals", good.toUpperCase()],
    ["an all-zero trace id", `00-${"0".repeat(32)}-${spanId}-01`],
    ["an all-zero span id", `00-${traceId}-${"0".repeat(16)}-01`],
    ["more after version 00", `${good}-x`],
  ])("is not taken from %s", (_name, text) => {
    expect(parseTraceparent(text)).toBeUndefined();
  });

  test("of a later version is read as far as it is known", () => {
    expect(parseTraceparent(`01${good.slice(2)}-what`)).toMatchObject({ traceId, spanId, sampled: true });
  });

  test("is sampled by its lowest flag alone", () => {
    expect(parseTraceparent(`00-${traceId}-${spanId}-02`)?.sampled).toBe(false);
    expect(parseTraceparent(`00-${traceId}-${spanId}-0b`)?.sampled).toBe(true);
  });
});

describe("tracestate", () => {
  test("is passed on with the parent", () => {
    expect(parseTraceparent(good, "vendor=1,other=x")?.tracestate).toBe("vendor=1,other=x");
  });

  test.each([
    ["longer than 512 characters", "a".repeat(513)],
    ["with a line break", "a=1\r\nx-evil: 1"],
    ["with a character beyond ASCII", "a=é"],
  ])("%s is dropped", (_name, text) => {
    expect(acceptTracestate(text)).toBeUndefined();
    expect(parseTraceparent(good, text)).toMatchObject({ traceId, tracestate: undefined });
  });

  test("of 512 characters is kept", () => {
    expect(acceptTracestate("a".repeat(512))).toHaveLength(512);
  });
});
