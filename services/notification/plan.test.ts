import { expect, test } from "vitest";
import type { PlanInput } from "./plan.ts";
import { plan } from "./plan.ts";

const now = Date.parse("2031-01-15T23:00:00Z");
const night = { start: "22:00", end: "09:00", timeZone: "UTC" };
const planned = (more: Partial<PlanInput>) =>
  plan({
    asked: [],
    urgent: false,
    wish: undefined,
    quietHours: undefined,
    timeZone: "UTC",
    nowMs: now,
    ...more,
  }).map(({ channel, status, reason, heldUntil }) =>
    [channel, status, reason, heldUntil?.toISOString()].filter(Boolean).join(" "),
  );

test("who has said nothing gets e-mail and the list", () => {
  expect(planned({})).toEqual(["email queued", "in_app delivered"]);
});

test("a digest that falls into quiet hours waits for their end", () => {
  const wish = { channels: ["email", "sms", "in_app"], digest: "daily" } as const;
  expect(planned({ wish, quietHours: night })).toEqual([
    "email held digest 2031-01-16T09:00:00.000Z",
    "sms held quiet_hours 2031-01-16T09:00:00.000Z",
    "in_app delivered",
  ]);
});

test("what is urgent asks neither the clock nor the user", () => {
  const wish = { channels: [], digest: "weekly" } as const;
  expect(planned({ wish, quietHours: night, urgent: true, asked: ["sms"] })).toEqual(["sms queued"]);
  expect(planned({ wish, quietHours: night, urgent: true })).toEqual(["email queued", "in_app delivered"]);
});

test("what is asked for and not wanted is skipped", () => {
  const wish = { channels: ["in_app"], digest: "off" } as const;
  expect(planned({ wish, asked: ["push", "in_app"] })).toEqual([
    "push skipped not_wanted",
    "in_app delivered",
  ]);
});
