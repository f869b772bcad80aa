import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AccessSchema } from "#gen/mesh/v1/options_pb.js";
import type { Caller } from "../call/identity.ts";
import { reasonOf } from "../errors.ts";
import { accessProblem, compileAccess } from "./access.ts";

type Rule = MessageInitShape<typeof AccessSchema>;
const rule = (init: Rule) => create(AccessSchema, init);

function refusalOf(init: Rule, caller: Caller): string | undefined {
  try {
    compileAccess("test.v1.T/M", rule(init))(caller);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

const user = (...permissions: string[]): Caller => ({
  user: { id: "u", email: "u@example.com", sessionId: "s", roles: [], permissions },
});
const service = (name: string, ...scopes: string[]): Caller => ({ service: { name, scopes } });

describe("a rule", () => {
  test.each<[string, Rule, Caller, string | undefined]>([
    ["public lets nobody in particular in", { public: true }, {}, undefined],
    ["signed_in wants credentials", { signedIn: true }, {}, "credentials_required"],
    ["signed_in lets any user in", { signedIn: true }, user(), undefined],
    ["signed_in is not for a service alone", { signedIn: true }, service("order"), "caller_not_allowed"],
    [
      "signed_in lets a service in that acts for a user",
      { signedIn: true },
      { ...service("order"), ...user() },
      undefined,
    ],
    ["permission lets its holder in", { permission: "user:read" }, user("user:read"), undefined],
    ["permission keeps others out", { permission: "user:read" }, user("user:write"), "permission_missing"],
    [
      "permission is not a scope",
      { permission: "user:read" },
      service("order", "user:read"),
      "caller_not_allowed",
    ],
    ["services lets the named in", { services: ["order"] }, service("order"), undefined],
    ["services keeps others out", { services: ["order"] }, service("user"), "caller_not_allowed"],
    ["services keeps users out", { services: ["order"] }, user("*:*"), "caller_not_allowed"],
    ["services with a star lets every service in", { services: ["*"] }, service("any"), undefined],
    ["scope lets its holder in", { scope: "user:read" }, service("any", "user:read"), undefined],
    ["scope keeps others out", { scope: "user:read" }, service("any", "user:write"), "scope_missing"],
    ["scope is not a permission", { scope: "user:read" }, user("user:read"), "caller_not_allowed"],
    [
      "scope and services: the named needs no scope",
      { services: ["order"], scope: "user:read" },
      service("order"),
      undefined,
    ],
    [
      "scope and services: the scope suffices",
      { services: ["order"], scope: "user:read" },
      service("any", "user:read"),
      undefined,
    ],
    [
      "scope and services: neither is refused",
      { services: ["order"], scope: "user:read" },
      service("any"),
      "scope_missing",
    ],
  ])("%s", (_name, init, caller, reason) => {
    expect(refusalOf(init, caller)).toBe(reason);
  });

  test("lets a caller in exactly when one of its fields does", () => {
    const permission = fc.constantFrom("a:read", "a:write", "b:read");
    const held = fc.array(fc.oneof(permission, fc.constantFrom("a:*", "*:read", "*:*", "junk")), {
      maxLength: 3,
    });
    const name = fc.constantFrom("order", "user", "gateway");
    const anyRule = fc.record({
      signedIn: fc.boolean(),
      permission: fc.oneof(fc.constant(""), permission),
      services: fc.uniqueArray(fc.oneof(name, fc.constant("*")), { maxLength: 2 }),
      scope: fc.oneof(fc.constant(""), permission),
    });
    const anyCaller = fc.record({
      user: fc.option(held, { nil: undefined }),
      service: fc.option(fc.record({ name, scopes: held }), { nil: undefined }),
    });
    // Written again in the plainest way, so that a mistake would have to be made twice.
    const covers = (list: readonly string[], wanted: string) => {
      const [resource, action] = wanted.split(":");
      return [wanted, `${resource}:*`, `*:${action}`, "*:*"].some((it) => list.includes(it));
    };
    fc.assert(
      fc.property(anyRule, anyCaller, (init, who) => {
        const caller: Caller = {
          ...(who.user && user(...who.user)),
          ...(who.service && { service: who.service }),
        };
        const expected =
          (init.signedIn && who.user !== undefined) ||
          (init.permission !== "" && who.user !== undefined && covers(who.user, init.permission)) ||
          (who.service !== undefined &&
            init.services.some(
              (it) => (it === "*" && who.service?.name !== "gateway") || it === who.service?.name,
            )) ||
          (init.scope !== "" && who.service !== undefined && covers(who.service.scopes, init.scope));
        expect(refusalOf(init, caller) === undefined).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });

  test("for every service is not for the gateway, which carries strangers, unless it is named", () => {
    const carried = { ...service("gateway"), ...user("content:read") };
    expect(refusalOf({ services: ["*"] }, service("order"))).toBeUndefined();
    expect(refusalOf({ services: ["*"] }, carried)).toBeDefined();
    expect(refusalOf({ services: ["*", "gateway"] }, carried)).toBeUndefined();
  });

  test("that is empty lets nobody in, whoever calls", () => {
    for (const caller of [
      {},
      user("*:*"),
      service("gateway", "*:*"),
      { ...service("user"), ...user("*:*") },
    ]) {
      expect(refusalOf({}, caller)).toBeDefined();
    }
  });
});

describe("accessProblem", () => {
  test.each<[Rule | undefined, RegExp | undefined]>([
    [undefined, /no access rule/],
    [{}, /lets nobody in/],
    [{ public: true, signedIn: true }, /public and restricted/],
    [{ public: true, services: ["*"] }, /public and restricted/],
    [{ permission: "read" }, /"read", which is not written resource:action/],
    [{ permission: "user:read:own" }, /not written/],
    [{ scope: "User:Read" }, /not written/],
    [{ public: true }, undefined],
    [{ permission: "user:read", scope: "user:*" }, undefined],
  ])("of %j is %s", (init, problem) => {
    const found = accessProblem(init && rule(init));
    if (problem) expect(found).toMatch(problem);
    else expect(found).toBeUndefined();
  });
});
