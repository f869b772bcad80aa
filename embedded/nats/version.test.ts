import { expect, test } from "vitest";
import { isAtLeast, parseVersion } from "./version.ts";

test("the version is read from what nats-server prints", () => {
  expect(parseVersion("nats-server: v2.14.0\n")).toBe("2.14.0");
  expect(parseVersion("nats-server: v2.11.0-RC.1")).toBe("2.11.0");
  expect(parseVersion("command not found")).toBeUndefined();
});

test.each([
  ["2.10.0", true],
  ["2.9.25", false],
  ["2.14.0", true],
  ["3.0.0", true],
  ["1.99.99", false],
])("%s is new enough: %s", (version, expected) => {
  expect(isAtLeast(version, "2.10.0")).toBe(expected);
});
