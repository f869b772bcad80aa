import fc from "fast-check";
import { expect, test } from "vitest";
import { linesOf } from "./lines.ts";

async function read(chunks: readonly Buffer[], maxBytes = 1000): Promise<string[]> {
  const left = [...chunks];
  const lines: string[] = [];
  for await (const line of linesOf(async () => left.shift(), maxBytes)) lines.push(line.toString());
  return lines;
}

test("lines are the same wherever the chunks are cut, and blank ones are none", async () => {
  const text = fc.string({ unit: fc.constantFrom("a", "ü", "\n", " ", "\r"), maxLength: 60 });
  const cuts = fc.array(fc.nat(100), { maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(text, cuts, async (all, at) => {
      const bytes = Buffer.from(all);
      const places = [0, ...at.filter((it) => it <= bytes.length).sort((a, b) => a - b), bytes.length];
      const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
      const wanted = all.split("\n").filter((line) => /[^ \t\r]/.test(line));
      expect(await read(chunks)).toEqual(wanted);
    }),
  );
});

test("a line is as long as allowed and not longer, in one chunk or many", async () => {
  const line = Buffer.alloc(10, "x");
  expect(await read([line, Buffer.from("\n"), line], 10)).toHaveLength(2);
  await expect(read([line, Buffer.from("x\n")], 10)).rejects.toMatchObject({ reason: "body_too_large" });
  await expect(read([Buffer.alloc(11, "x")], 10)).rejects.toMatchObject({ reason: "body_too_large" });
});
