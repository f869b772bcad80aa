import fc from "fast-check";
import { expect, test } from "vitest";
import { fields, text, text8, u8, u16, u32 } from "../testing/express.ts";
import { readFields } from "./fields.ts";
import { FrameError, wireLimits } from "./frame.ts";
import { Reader } from "./reader.ts";

const open = (...parts: Uint8Array[]) => {
  const body = Buffer.concat(parts);
  // With others around it, which must not be read.
  const data = Buffer.concat([Buffer.alloc(3, 0xaa), body, Buffer.alloc(50, 0xbb)]);
  return new Reader().open(data, 3, 3 + body.length);
};

test("the parts of a frame are read in their order", () => {
  const reader = open(
    u8(7),
    u16(513),
    u32(2 ** 32 - 1),
    text8("id-é"),
    text("ä€😀"),
    Buffer.from("xyz"),
    u8(9),
  );
  expect([reader.u8(), reader.u16(), reader.u32(), reader.text8(), reader.text()]).toEqual([
    7,
    513,
    2 ** 32 - 1,
    "id-é",
    "ä€😀",
  ]);
  expect([Buffer.from(reader.bytes(3)).toString(), reader.left, [...reader.rest()], reader.left]).toEqual([
    "xyz",
    1,
    [9],
    0,
  ]);
  expect(reader.rest()).toHaveLength(0);
});

const reads: Record<string, [(reader: Reader) => unknown, Uint8Array]> = {
  u8: [(reader) => reader.u8(), Buffer.alloc(0)],
  u16: [(reader) => reader.u16(), u8(1)],
  u32: [(reader) => reader.u32(), Buffer.alloc(3)],
  "a short text": [(reader) => reader.text8(), Buffer.from([3, 65, 65])],
  "a text": [(reader) => reader.text(), Buffer.from([0, 3, 65, 65])],
  "a text without its length": [(reader) => reader.text(), Buffer.from([0])],
  bytes: [(reader) => reader.bytes(3), Buffer.alloc(2)],
  "four gigabytes": [(reader) => reader.bytes(2 ** 32 - 1), Buffer.alloc(2)],
  fields: [(reader) => readFields(reader), Buffer.concat([u16(2), text("a"), text("b"), text("c")])],
};
test.each(Object.entries(reads))("%s is not read beyond the end of the frame", (_what, [read, bytes]) => {
  expect(() => read(open(bytes))).toThrow(FrameError);
});

test("more fields than are allowed are not even looked at", () => {
  const many = Buffer.concat([u16(65_535), Buffer.alloc(65_535 * 4)]);
  expect(() => readFields(open(many))).toThrow("65535 fields; 256 are allowed");
  const most = fields(...Array.from({ length: wireLimits.fields }, () => ["a", "b"] as [string, string]));
  expect(readFields(open(most))).toHaveLength(2 * wireLimits.fields);
});

test("whatever a frame holds, it is read or refused, and nothing beside it is seen", () => {
  const steps = fc.array(fc.constantFrom("u8", "u16", "u32", "text8", "text", "fields", "rest"), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), steps, (bytes, wanted) => {
      const reader = open(bytes);
      let before = reader.left;
      try {
        for (const step of wanted) {
          if (step === "fields") readFields(reader);
          else (reader[step as "u8"] as () => unknown)();
          expect(reader.left).toBeLessThanOrEqual(before);
          expect(reader.left).toBeGreaterThanOrEqual(0);
          before = reader.left;
        }
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError);
      }
    }),
  );
});
