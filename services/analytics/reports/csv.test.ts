import fc from "fast-check";
import { expect, test } from "vitest";
import { csvLine, jsonLine } from "./csv.ts";

test("cells with commas, quotes and line breaks are quoted", () => {
  expect(csvLine(["a", 'say "hi"', "x,y", "two\nlines", "", null, 9_007_199_254_740_993n, 1.5])).toBe(
    'a,"say ""hi""","x,y","two\nlines",,,9007199254740993,1.5\r\n',
  );
});

test("what a spreadsheet would run is made harmless, and numbers stay numbers", () => {
  expect(csvLine(["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "-5", "+3.5", "-1e3", "a=b"])).toBe(
    "'=1+1,'+cmd,'-2+3,'@SUM(A1),\"'\t=1\",-5,+3.5,-1e3,a=b\r\n",
  );
  expect(csvLine(['=HYPERLINK("http://x","y")'])).toBe('"\'=HYPERLINK(""http://x"",""y"")"\r\n');
});

test("what it would run behind something unseen, in wide letters or in a cell of another country is, too", () => {
  const cells = [" =1", "\u200b=1", "\ufeff+1+1", "＝1+1", "＠SUM(A1)", "\n=1", "x;=1", "x|=1", ";=1"];
  const all = csvLine(cells).trimEnd().split(",");
  expect(all).toEqual([
    "' =1",
    "'\u200b=1",
    "'\ufeff+1+1",
    "'＝1+1",
    "'＠SUM(A1)",
    '"\'\n=1"',
    '"x;=1"',
    '"x|=1"',
    '";=1"',
  ]);
});

test("any cells come back as they were, but for what makes them harmless", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" }), { minLength: 1 }), (cells) => {
      const read = parse(csvLine(cells));
      expect(read).toHaveLength(cells.length);
      for (const [at, cell] of cells.entries()) expect([cell, `'${cell}`]).toContain(read[at]);
      for (const cell of read) expect(cell).not.toMatch(/^[=@\t\r]/);
    }),
  );
});

test("an object a line, numbers as numbers, those of 64 bits and times as text", () => {
  expect(
    jsonLine({
      at: new Date(0),
      n: 9_007_199_254_740_993n,
      x: 1.5,
      tags: ["a"],
      more: { k: "v\n" },
      none: null,
    }),
  ).toBe(
    '{"at":"1970-01-01T00:00:00.000Z","n":"9007199254740993","x":1.5,"tags":["a"],"more":{"k":"v\\n"},"none":null}\n',
  );
});

/** One line of RFC 4180, read letter by letter. */
function parse(line: string): string[] {
  const cells: string[] = [];
  let [cell, quoted] = ["", false];
  const text = line.slice(0, -2);
  for (let at = 0; at < text.length; at++) {
    const letter = text.charAt(at);
    if (letter === '"' && quoted && text[at + 1] === '"') cell += text.charAt(at++);
    else if (letter === '"' && (quoted || cell === "")) quoted = !quoted;
    else if (letter === "," && !quoted) {
      cells.push(cell);
      cell = "";
    } else cell += letter;
  }
  return [...cells, cell];
}
