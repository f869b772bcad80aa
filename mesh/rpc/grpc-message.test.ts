import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeGrpcMessage, plainGrpcMessage } from "./grpc-message.ts";

test.each([
  [
    "text: must be at most 100 characters, or else; see a/b?c=d&e",
    "text: must be at most 100 characters, or else; see a/b?c=d&e",
  ],
  ["100 %", "100 %25"],
  ["a\nb\u007f", "a%0Ab%7F"],
  ["Grüße, 世界 🌍", "Gr%C3%BC%C3%9Fe, %E4%B8%96%E7%95%8C %F0%9F%8C%8D"],
])("%j is written as %j", (message, encoded) => {
  expect(encodeGrpcMessage(message)).toBe(encoded);
});

test("whatever the message, it is printable ASCII and can be read back", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (message) => {
      const encoded = encodeGrpcMessage(message);
      expect(encoded).toMatch(/^[\x20-\x7e]*$/);
      expect(decodeURIComponent(encoded)).toBe(message);
    }),
  );
});

test("a trailer is rewritten in place, and one without a message left alone", () => {
  const trailer = new Headers({ "grpc-status": "3", "grpc-message": encodeURIComponent("text: 5 % ü") });
  plainGrpcMessage(trailer);
  expect(trailer.get("grpc-message")).toBe("text: 5 %25 %C3%BC");
  const without = new Headers({ "grpc-status": "0" });
  plainGrpcMessage(without);
  expect([...without]).toEqual([["grpc-status", "0"]]);
});
