import fc from "fast-check";
import { expect, test } from "vitest";
import { fieldsOf, headersOf } from "../call/metadata.ts";
import { fieldsFit } from "./fields.ts";
import { wireLimits } from "./frame.ts";

test("no headers are no fields", () => {
  expect([fieldsOf(undefined), fieldsOf(new Headers())]).toEqual([undefined, undefined]);
  expect([...headersOf(undefined)]).toEqual([]);
});

test("headers come back as they were", () => {
  const value = fc.stringMatching(/^[!-~\u00a1-\u00ff]([ -~\u00a0-\u00ff]{0,10}[!-~\u00a1-\u00ff])?$/);
  const pairs = fc.array(fc.tuple(fc.stringMatching(/^[a-z0-9-]{1,12}$/), value), { maxLength: 10 });
  fc.assert(
    fc.property(pairs, (given) => {
      const headers = new Headers();
      for (const [name, value] of given) headers.append(name, value);
      expect([...headersOf(fieldsOf(headers))]).toEqual([...headers]);
    }),
  );
});

test("whatever a peer sends, whoever looks at its metadata does not fail for it", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 8 }),
    fc.constantFrom("x-a", "", " ", "a b", "a\r\nb", "a\0b", "\t", "ü", "€", "\u0080", "\u007f", "\u0001"),
  );
  fc.assert(
    fc.property(fc.array(text, { maxLength: 10 }), (flat) => {
      headersOf(flat);
    }),
    { numRuns: 2000 },
  );
  expect([...headersOf(["a b", "1", "x-c", "a\r\nb: c", "x-d", "€", "x-ok", "yes"])]).toEqual([
    ["x-ok", "yes"],
  ]);
});

test("what is taken over HTTP is taken here", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 3 }),
      // `Headers` trims what is around a value, and HTTP never carries it.
      fc
        .string({ unit: "binary", maxLength: 3 })
        .map((value) => value.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "")),
      (name, value) => {
        const headers = new Headers();
        try {
          headers.append(name, value);
        } catch {
          // Neither there nor here.
        }
        expect([...headersOf([name, value])]).toEqual([...headers]);
      },
    ),
    { numRuns: 3000 },
  );
});

test("too many fields and too large ones do not fit", () => {
  const many = (count: number) => Array.from({ length: count * 2 }, () => "x");
  expect(fieldsFit(undefined)).toBe(true);
  expect([fieldsFit(many(wireLimits.fields)), fieldsFit(many(wireLimits.fields + 1))]).toEqual([true, false]);
  expect(fieldsFit(["x", "v".repeat(10_000)])).toBe(true);
  expect(fieldsFit(["x", "v".repeat(70_000)]), "longer than a text of the wire").toBe(false);
});
