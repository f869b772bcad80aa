import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { preface as express } from "../express/frame.ts";
import { sniff } from "./sniff.ts";

const http2 = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

describe.each([
  ["http2", http2],
  ["express", express],
])("the preface of %s", (protocol, preface) => {
  test("tells it, whatever follows", () => {
    expect(sniff(preface)).toBe(protocol);
    expect(sniff(Buffer.concat([preface, Buffer.alloc(100)]))).toBe(protocol);
  });

  test("tells nothing while it is not whole", () => {
    for (let length = 0; length < preface.length; length++) {
      expect(sniff(preface.subarray(0, length))).toBeUndefined();
    }
  });

  test("is none when a byte differs: that is HTTP/1.1", () => {
    expect(sniff(Buffer.from("POST / HTTP/1.1\r\n"))).toBe("http1");
    fc.assert(
      fc.property(fc.nat(preface.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = Buffer.from(preface);
        bytes[at] = preface[at]! ^ change;
        expect(sniff(bytes)).toBe("http1");
      }),
    );
  });
});
