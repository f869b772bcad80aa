import { DeliverPolicy } from "@nats-io/jetstream";
import { expect, test } from "vitest";
import { resumeAt } from "./resume-at.ts";

const savedAt = new Date("2026-01-01T12:00:00Z");
const place = { sequence: 7, id: "a", reach: 9, savedAt };
const all = { place, last: 20, idAtPlace: "a", from: "kept" } as const;

test("a consumer that was never there begins with what is kept, or with what comes", () => {
  const fresh = { ...all, place: undefined };
  expect(resumeAt(fresh).config).toEqual({ deliver_policy: DeliverPolicy.All });
  expect(resumeAt({ ...fresh, from: "now" }).config).toEqual({
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: 21,
  });
});

test("it goes on behind its place, and suspects what its last holder may have begun", () => {
  expect(resumeAt(all)).toEqual({
    config: { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: 8 },
    suspectUntil: 9,
    isRewound: false,
  });
  expect(resumeAt({ ...all, idAtPlace: undefined }).isRewound).toBe(false);
});

test.each([
  ["ends before its place", { last: 6 }],
  ["has another event there", { idAtPlace: "b" }],
])("a stream that %s is read again from a quarter of an hour before", (_what, found) => {
  expect(resumeAt({ ...all, ...found })).toEqual({
    config: { deliver_policy: DeliverPolicy.StartTime, opt_start_time: "2026-01-01T11:45:00.000Z" },
    suspectUntil: 0,
    isRewound: true,
  });
});
