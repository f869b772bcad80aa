import { expect, test, vi } from "vitest";
import { eventAsJson, formatEvent } from "./event-line.ts";
import type { StoredEvent } from "./stored-event.ts";

const event: StoredEvent = {
  stream: "events_order",
  sequence: 7,
  subject: "order.created",
  time: new Date("2026-01-31T11:22:33.444Z"),
  id: "0190",
  key: "o-1",
  source: "order",
  type: "order.v1.OrderCreated",
  correlationId: "c",
  traceparent: "",
  only: "",
  data: new Uint8Array(3),
};
const now = new Date("2026-01-31T12:00:00Z");
vi.stubEnv("NO_COLOR", "1");

test("an event is one line for people, with the day only when it is another", () => {
  const shown = { json: { total: 5 } };
  expect(formatEvent(event, shown, now)).toBe(
    '11:22:33.444  order.created         o-1  order 0190  {"total":5}',
  );
  const later = new Date("2026-02-01T12:00:00Z");
  expect(formatEvent(event, shown, later)).toMatch(/^2026-01-31 11:22:33.444 {2}/);
  expect(formatEvent({ ...event, only: "bill.watch", key: "" }, { problem: "3 bytes\nof it" }, now)).toBe(
    "11:22:33.444  order.created         -  order 0190  again, for bill.watch alone  3 bytes",
  );
});

test("what came from outside cannot move the cursor", () => {
  const evil = "\u001b[2J\n";
  const line = formatEvent(
    { ...event, key: evil, id: evil, source: evil, subject: evil, only: evil },
    { json: { [evil]: "\u009b" } },
    now,
  );
  expect(line).not.toMatch(/\p{Cc}/u);
});

test("an event is one object for programs, without bytes that nobody can read", () => {
  expect(eventAsJson(event, { problem: "3 bytes" })).toEqual({
    time: "2026-01-31T11:22:33.444Z",
    stream: "events_order",
    sequence: 7,
    subject: "order.created",
    id: "0190",
    key: "o-1",
    source: "order",
    type: "order.v1.OrderCreated",
    correlationId: "c",
    traceparent: "",
    problem: "3 bytes",
  });
});
