import fc from "fast-check";
import { expect, test } from "vitest";
import { fill } from "./content.ts";
import { render, renderedLengths } from "./template-text.ts";

const name = fc.constantFrom("a", "b", "first_name");
const value = fc.string({ unit: "binary", maxLength: 30 });
const part = fc
  .array(
    fc.oneof(
      fc.string(),
      name.map((it) => `{{ ${it} }}`),
      fc.constant("{{a}}"),
    ),
    { maxLength: 20 },
  )
  .map((pieces) => pieces.join(" "));

test("how long a message becomes is known before it is written", () => {
  fc.assert(
    fc.property(part, part, fc.dictionary(name, value), (text, html, variables) => {
      const variant = { language: "en", subject: "", text, html };
      const made = render(variant, variables);
      expect(renderedLengths(variant, variables)).toEqual({ text: made.text.length, html: made.html.length });
    }),
  );
});

test("one that would become too long is refused unwritten", () => {
  const html = "{{a}}".repeat(10_000);
  const variant = { language: "en", subject: "Hi", text: "{{a}}", html };
  // Written, it would have 250 MB.
  const before = process.memoryUsage().heapUsed;
  expect(() => fill([variant], "en", { a: "&".repeat(5000) })).toThrow(/longer than can be sent/);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(50 * 1024 * 1024);
});
