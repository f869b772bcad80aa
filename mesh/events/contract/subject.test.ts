import { expect, test } from "vitest";
import { eventSubject, isEventSubject } from "./subject.ts";

test("events are published under one root", () => {
  expect(eventSubject("order.created")).toBe("events.order.created");
});

test.each(["order.created", "order", "a_b.c-d.E9", "order.*", "*.created", "order.>", ">"])(
  "%s is a subject",
  (subject) => expect(isEventSubject(subject)).toBe(true),
);

test.each([
  "",
  ".",
  "order.",
  ".order",
  "a..b",
  "a b",
  "a\r\nPUB x",
  "a.>.b",
  "a*",
  "a>",
  "ü",
  "a".repeat(201),
])("%j is none", (subject) => expect(isEventSubject(subject)).toBe(false));
