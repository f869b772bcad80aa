import fc from "fast-check";
import { expect, test } from "vitest";
import { firstLine, harmless, harmlessJson } from "./harmless.ts";

test("no control character reaches the terminal, and nothing else is changed", () => {
  expect(harmless("a\u001b[2Jb\nc\u009b\u202ed")).toBe("a\\u001b[2Jb\\u000ac\\u009b\\u202ed");
  expect(harmless("one\ntwo\r", "\n")).toBe("one\ntwo\\u000d");
  expect(harmless("Zoë ✓ 日本")).toBe("Zoë ✓ 日本");
});

test("JSON is the same JSON, whatever is in it", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const json = JSON.stringify({ value, more: "\u009b \u{e0001} \u202e" }, null, 2);
      const shown = harmlessJson(json);
      expect(JSON.parse(shown)).toEqual(JSON.parse(json));
      expect(shown.replaceAll("\n", "")).not.toMatch(/\p{Cc}|\p{Cf}/u);
    }),
  );
});

test("a cell has the first line of a text, and not much of it", () => {
  expect(firstLine("  it broke\n  at once")).toBe("it broke");
  expect(firstLine("x".repeat(200), 10)).toBe(`${"x".repeat(9)}…`);
  expect(firstLine("")).toBe("");
});
