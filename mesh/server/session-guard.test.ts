import { expect, test } from "vitest";
import { serverLimits } from "../bounds/limits.ts";
import { createSessionGuard } from "./session-guard.ts";

const limits = { ...serverLimits, headersMs: 100, idleMs: 1000, resetsPerTenSeconds: 3 };

function guarded() {
  let now = 0;
  const guard = createSessionGuard(limits, () => now);
  return {
    guard,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

test("a connection whose SETTINGS do not come is to be closed", () => {
  const { guard, pass } = guarded();
  pass(100);
  expect(guard.verdict(0)).toBeUndefined();
  pass(1);
  expect(guard.verdict(0)).toMatch(/SETTINGS/);
});

test("a connection is idle by its streams alone", () => {
  const { guard, pass } = guarded();
  guard.greeted();
  guard.opened(1);
  pass(5000);
  expect(guard.verdict(1)).toBeUndefined();
  guard.ended(false);
  pass(1000);
  guard.control();
  expect(guard.verdict(1)).toBeUndefined();
  pass(1);
  expect(guard.verdict(1)).toBe("idle");
});

test("headers that began and do not end are noticed, also beside other streams", () => {
  const { guard, pass } = guarded();
  guard.greeted();
  guard.opened(1);
  expect(guard.verdict(3)).toBeUndefined();
  pass(101);
  expect(guard.verdict(3)).toMatch(/headers/);
});

test("headers that end in time are forgotten", () => {
  const { guard, pass } = guarded();
  guard.greeted();
  guard.opened(1);
  guard.verdict(3);
  pass(90);
  guard.opened(3);
  guard.verdict(3);
  guard.verdict(5);
  pass(90);
  expect(guard.verdict(5)).toBeUndefined();
});

test("streams that end in errors are borne up to a number, those that end well without one", () => {
  const { guard } = guarded();
  for (let stream = 1; stream < 200; stream += 2) {
    guard.opened(stream);
    expect(guard.ended(false)).toBe(true);
  }
  expect([1, 2, 3, 4].map(() => guard.ended(true))).toEqual([true, true, true, false]);
});

test("PING and SETTINGS are borne up to a number", () => {
  const { guard, pass } = guarded();
  for (let i = 0; i < limits.controlFramesPerTenSeconds; i++) expect(guard.control()).toBe(true);
  expect(guard.control()).toBe(false);
  pass(10_001);
  expect(guard.control()).toBe(true);
});
