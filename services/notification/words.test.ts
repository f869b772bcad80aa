import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { asOne } from "./digest-letter.ts";
import { nearest } from "./language.ts";
import { writeMoney } from "./money.ts";
import { isWellFormed, render, variablesOf } from "./template-text.ts";

const variant = (text: string, language = "en") => ({ language, subject: "s", text, html: text });

describe("a template", () => {
  test("knows its variables, and slips in them", () => {
    expect(variablesOf(variant("{{b}} {{ a }} {{b}} {c}"))).toEqual(["a", "b"]);
    expect(isWellFormed(variant("{{b}} {c} } {"))).toBe(true);
    for (const slip of ["{{", "{{A}}", "{{a b}}", "{{a}", "a}}", "{{a}} {{1}}"]) {
      expect([slip, isWellFormed(variant(slip))]).toEqual([slip, false]);
    }
  });

  test("brings any value as it is into text, and as nothing but text into HTML", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (value) => {
        const { text, html } = render(variant("[{{a}}]"), { a: value });
        expect(text).toBe(`[${value}]`);
        expect(html).not.toMatch(/[<>"']/);
        const plain = html.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"');
        expect(plain.replaceAll("&#39;", "'").replaceAll("&amp;", "&")).toBe(`[${value}]`);
      }),
    );
  });

  test("does not fill in what a value looks like, nor take it for a pattern", () => {
    expect(render(variant("{{a}}"), { a: "{{b}} $& $1", b: "no" }).text).toBe("{{b}} $& $1");
  });
});

test("a language is the nearest one", () => {
  const [en, fr, ci] = ["en", "fr", "fr-CI"].map((it) => variant("", it));
  const pick = (locale: string, ...variants: (typeof en)[]) =>
    nearest(variants as ReturnType<typeof variant>[], locale)?.language;
  expect(pick("fr-ci", en, fr, ci)).toBe("fr-CI");
  expect(pick("fr-Latn-CI", en, fr, ci)).toBe("fr");
  expect(pick("sw", fr, en)).toBe("en");
  expect(pick("sw", fr)).toBe("fr");
  expect(pick("", fr, en)).toBe("en");
});

test("money is written to the last unit, however much it is", () => {
  const dollars = (minorUnits: bigint) => writeMoney({ currency: "USD", minorUnits }, "en");
  expect(dollars(5n)).toBe("$0.05");
  expect(dollars(-18_505n)).toBe("-$185.05");
  expect(dollars(9_007_199_254_740_993_01n)).toBe("$9,007,199,254,740,993.01");
  expect(writeMoney({ currency: "JPY", minorUnits: 185n }, "en")).toBe("¥185");
  expect(writeMoney({ currency: "USD", minorUnits: 100n }, "not a locale")).toBe("$1.00");
});

test("a digest has all of its parts, and one part is itself", () => {
  const part = (subject: string, html = "", voice = "") => ({
    voice,
    subject,
    text: `text ${subject}`,
    html,
  });
  expect(asOne([part("A")])).toEqual({ subject: "A", text: "text A", html: "" });
  const { subject, text, html } = asOne([part("A"), part("<B>", "<p>b</p>")]);
  expect(subject).toBe("2 notifications");
  expect(text).toContain("text A");
  expect(html).toBe("<h2>A</h2><p>text A</p><hr><h2>&lt;B&gt;</h2><p>b</p>");
  expect(asOne([part("A"), part("B", "", "Kofi")]).text).toContain("Kofi: B\n\ntext B");
});
