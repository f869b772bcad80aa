import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describeCaller, permits } from "./identity.ts";

describe("permits", () => {
  test.each([
    [["user:read"], "user:read", true],
    [["user:read"], "user:write", false],
    [["user:read"], "team:read", false],
    [["user:*"], "user:write", true],
    [["*:read"], "team:read", true],
    [["*:*"], "anything:at-all", true],
    [[], "user:read", false],
    [["team:read", "user:read"], "user:read", true],
  ])("%j covers %s: %s", (held, wanted, expected) => {
    expect(permits(held, wanted)).toBe(expected);
  });

  test.each([
    [["user:read:own"], "user:read"],
    [["user"], "user:read"],
    [["user:"], "user:"],
    [["*"], "user:read"],
    [["user:read"], "user:read:own"],
    [["*:*"], "user"],
    [["*:*"], ""],
    [[""], ""],
  ])("%j does not cover %j, since one of them is no resource:action", (held, wanted) => {
    expect(permits(held, wanted)).toBe(false);
  });

  test("holding more never permits less", () => {
    const part = fc.constantFrom("a", "b", "*");
    const permission = fc.tuple(part, part).map((parts) => parts.join(":"));
    fc.assert(
      fc.property(
        fc.array(permission),
        permission,
        fc.constantFrom("a:a", "a:b", "b:a"),
        (held, more, wanted) => {
          if (permits(held, wanted)) expect(permits([...held, more], wanted)).toBe(true);
        },
      ),
    );
  });
});

describe("describeCaller", () => {
  const user = { id: "u1", email: "a@b.c", sessionId: "s", roles: [], permissions: [] };
  test.each([
    [{}, "anonymous"],
    [{ user }, "user:u1"],
    [{ service: { name: "order", scopes: [] } }, "service:order"],
    [{ user, service: { name: "order", scopes: [] } }, "service:order+user:u1"],
  ])("names %j as %s, never by address", (caller, expected) => {
    expect(describeCaller(caller)).toBe(expected);
  });
});
