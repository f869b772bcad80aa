import fc from "fast-check";
import { expect, test } from "vitest";
import { sniff } from "./sniff.ts";

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

test("the whole preface is HTTP/2, whatever follows it", () => {
  expect(sniff(preface)).toBe("http2");
  expect(sniff(Buffer.concat([preface, Buffer.alloc(100)]))).toBe("http2");
});

test("what could still become the preface is not decided", () => {
  for (let length = 0; length < preface.length; length++) {
    expect(sniff(preface.subarray(0, length))).toBeUndefined();
  }
});

test("anything that differs from the preface is HTTP/1.1", () => {
  expect(sniff(Buffer.from("POST / HTTP/1.1\r\n"))).toBe("http1");
  fc.assert(
    fc.property(fc.nat(preface.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const bytes = Buffer.from(preface);
      bytes[at] = preface[at]! ^ change;
      expect(sniff(bytes.subarray(0, at + 1))).toBe("http1");
      expect(sniff(bytes)).toBe("http1");
    }),
  );
});
