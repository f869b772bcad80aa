import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { literally, matches, portable } from "./pattern.ts";
import { samplesOf } from "./sample-pattern.ts";

describe("a pattern of RE2", () => {
  test.each([
    ["^[a-z]+$", "^[a-z]+$"],
    ["^a\\-b\\@c\\_d$", "^a-b@c_d$"],
    ["^[\\-\\@]$", "^[\\-@]$"],
    ["^\\.\\/$", "^\\.\\/$"],
  ])("%s is %s in ECMA-262", (re2, ecma) => {
    expect(portable(re2)).toBe(ecma);
  });

  test.each(["(?i)^a$", "^a\\z", "^[[:alpha:]]$", "(?P<n>a)", "\\pN", "\\Qa.b\\E", `^${"a".repeat(1001)}$`])(
    "%s has no word for it in ECMA-262",
    (re2) => {
      expect(portable(re2)).toBeUndefined();
    },
  );

  test("whatever it is made of, its samples match it", () => {
    const part = fc.constantFrom(
      "a",
      "[0-9]",
      "[^a]",
      "\\d",
      "\\.",
      "(ab|c)",
      "(?:x-?)",
      ".",
      "[A-Z_]",
      "\\w",
    );
    const times = fc.constantFrom("", "?", "*", "+", "{2}", "{1,}", "{0,3}");
    const pattern = fc
      .array(fc.tuple(part, times), { minLength: 1, maxLength: 6 })
      .map((parts) => `^${parts.map((it) => it.join("")).join("")}$`);
    fc.assert(
      fc.property(pattern, (it) => {
        const samples = samplesOf(it);
        expect(samples.length).toBeGreaterThan(0);
        for (const sample of samples) expect(sample).toMatch(new RegExp(it, "u"));
      }),
    );
  });

  test("whatever it is, what is taken for a sample matches it", () => {
    const any = fc.string({ unit: fc.constantFrom(..."ab()[]{}|?*+\\^$.-,1"), maxLength: 12 });
    fc.assert(
      fc.property(any, (it) => {
        const pattern = portable(it);
        fc.pre(pattern !== undefined);
        for (const sample of samplesOf(pattern ?? "")) expect(sample).toMatch(new RegExp(pattern ?? "", "u"));
      }),
    );
  });
});

test("a pattern that loops within a loop is not run on long texts", () => {
  expect(matches("^(a+)+$", `${"a".repeat(40)}!`)).toBe(false);
  expect(matches("^(a|a)*$", `${"a".repeat(40)}!`)).toBe(false);
});

test("a text is found as it is", () => {
  fc.assert(
    fc.property(fc.string(), (it) => {
      expect(it).toMatch(new RegExp(`^${literally(it)}$`, "u"));
    }),
  );
});
