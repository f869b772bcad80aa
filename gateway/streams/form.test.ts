import fc from "fast-check";
import { expect, test } from "vitest";
import { readForm } from "./form.ts";

const type = "multipart/form-data; boundary=b";
const part = (name: string, content: string, filename?: string) =>
  `--b\r\ncontent-disposition: form-data; name="${name}"${filename ? `; filename="${filename}"` : ""}\r\n\r\n${content}\r\n`;

async function read(chunks: readonly Buffer[]) {
  const left = [...chunks];
  const { fields, file } = await readForm(type, async () => left.shift(), 1000);
  let content = "";
  for (let piece = await file.next(); piece; piece = await file.next()) content += piece.toString("latin1");
  return { fields, filename: file.filename, content };
}

const cutAt = (bytes: Buffer, places: readonly number[]): Buffer[] => {
  const at = [0, ...places.filter((it) => it <= bytes.length).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
};
const cuts = fc.array(fc.nat(400), { maxLength: 12 });

test("a form is the same wherever its chunks are cut, whatever its file looks like", async () => {
  const content = fc.string({ unit: fc.constantFrom("-", "b", "\r", "\n", "x"), maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(content, cuts, async (text, places) => {
      fc.pre(!text.includes("\r\n--b") && !text.startsWith("--b"));
      const bytes = Buffer.from(
        `${part("one", "1")}${part("two", "ü & 2")}${part("file", text, "a.txt")}--b--\r\n`,
      );
      expect(await read(cutAt(bytes, places))).toEqual({
        fields: [
          ["one", "1"],
          ["two", "ü & 2"],
        ],
        filename: "a.txt",
        content: text,
      });
    }),
  );
});

test("a form that ends too soon is refused, wherever it ends", async () => {
  const bytes = Buffer.from(`${part("one", "1")}${part("file", "some text", "a.txt")}--b--`);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), cuts, async (end, places) => {
      const short = read(cutAt(bytes.subarray(0, end), places));
      await expect(short).rejects.toMatchObject({
        reason: expect.stringMatching(/^(bad_form|file_missing)$/),
      });
    }),
  );
});

test("bytes that are no form never pass for one, and never hang", async () => {
  const pieces = [
    "--b",
    "--b--",
    "\r\n",
    "\r\n\r\n",
    'content-disposition: form-data; name="a"',
    ":",
    "x",
    "\0",
  ];
  const text = fc.array(fc.constantFrom(...pieces), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(text, cuts, async (parts, places) => {
      await expect(read(cutAt(Buffer.from(parts.join("")), places))).rejects.toHaveProperty("reason");
    }),
  );
});
