import fc from "fast-check";
import { expect, test } from "vitest";
import { holdsCardNumber, passesLuhn } from "./card-number.ts";

test.each([
  "4242424242424242",
  "4242 4242 4242 4242",
  "my card is 3782-822463-10005, thank you",
  "pm_4000056655665556",
  "x6011000990139424y",
  "0000004242424242424242",
  "2 4242 4242 4242 4242 12/27",
  "tok_4242_4242_4242_4242",
  "4242.4242.4242.4242",
])("finds the card in %s", (text) => expect(holdsCardNumber(text)).toBe(true));

test.each(["", "pm_1MqLiJLkdIwHu7ixUEgbFdYF", "4242424242424241", "42424242", "2026-11-21", "W-7K3M-9QXD"])(
  "finds none in %s",
  (text) => expect(holdsCardNumber(text)).toBe(false),
);

test("one wrong digit is enough for a number to be none", () => {
  const digits = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 12, maxLength: 18 });
  fc.assert(
    fc.property(digits, fc.nat(), (first, where) => {
      const body = first.join("");
      const check = [..."0123456789"].find((digit) => passesLuhn(body + digit));
      const number = body + check;
      const at = where % number.length;
      const wrong = number.slice(0, at) + ((Number(number[at]) + 1) % 10) + number.slice(at + 1);
      return holdsCardNumber(`n${number}n`) && !passesLuhn(wrong);
    }),
  );
});
