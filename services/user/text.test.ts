import { describe, expect, test } from "vitest";
import { reasonOf } from "#mesh";
import { requireName, shown } from "./text.ts";

const refusal = (name: string) => {
  try {
    return `taken: ${requireName("name", name)}`;
  } catch (error) {
    return reasonOf(error);
  }
};

describe("a name", () => {
  test.each(["Ama", "Élodie", "王小明", "نور", "O'Neil-Łęcki", "👩\u200d🍳", "می\u200cخواهم", "\u2800Ama"])(
    "such as %j is taken",
    (name) => expect(refusal(name)).toBe(`taken: ${name}`),
  );

  test.each([
    "",
    " ",
    "\u200b",
    "\u200d\u2060",
    "\u00ad",
    "\u3164",
    "\uffa0",
    "\u115f\u1160",
    "\u2800",
    "\u2800 \u3164\u200b",
    "\ufe0f",
    "\u{e0041}",
  ])("of nothing that can be seen is refused: %j", (name) => expect(refusal(name)).toBe("blank_name"));

  test.each(["\u202a", "\u202d", "\u202e", "\u2066", "\u2069"])(
    "cannot turn the direction of text around: %j",
    (turn) => expect(refusal(`Ama${turn}nimda`)).toBe("bad_text"),
  );
});

test("what was typed is shown as harmless text, and not at any length", () => {
  expect(shown('a"b\n\u007f\u2028')).toBe(String.raw`"a\"b\n\u{7f}\u{2028}"`);
  expect(shown("x".repeat(500))).toHaveLength(102);
});
