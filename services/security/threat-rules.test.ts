import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Severity, ThreatKind } from "#gen/security/v1/threats_pb.js";
import type { History, SignIn } from "./threat-rules.ts";
import { hoursApart, judgeLimitHits, judgeSignIn } from "./threat-rules.ts";

const noon = Date.parse("2030-01-01T12:00:00Z");
const signIn = (parts: Partial<SignIn> = {}): SignIn => ({
  userId: "u",
  account: "a",
  address: "192.0.2.1",
  network: "192.0.0.0/16",
  succeeded: true,
  timeMs: noon,
  ...parts,
});
const history = (parts: Partial<History> = {}): History => ({
  failuresAtAccount: 0,
  failuresFromAddress: 0,
  signIns: [],
  ...parts,
});
const seen = (count: number, network = "192.0.0.0/16", timeMs = noon) => ({
  signIns: Array.from({ length: count }, () => ({ network, timeMs })),
});
const kinds = (given: SignIn, before: History) => judgeSignIn(given, before).map(({ kind }) => kind);

describe("a failed sign-in", () => {
  const failed = signIn({ succeeded: false });

  test.each([
    [8, 28, []],
    [9, 0, ["user:u"]],
    [0, 29, ["address:192.0.2.1"]],
    [9, 29, ["user:u", "address:192.0.2.1"]],
  ])(
    "after %i at the account and %i from the address is about %j",
    (failuresAtAccount, failuresFromAddress, subjects) => {
      const findings = judgeSignIn(failed, history({ failuresAtAccount, failuresFromAddress }));
      expect(findings.map(({ subject }) => subject)).toEqual(subjects);
      for (const { severity } of findings) expect(severity).toBe(Severity.MEDIUM);
    },
  );

  test("names an unknown account by what stands for it, and no address that is not known", () => {
    const before = history({ failuresAtAccount: 50, failuresFromAddress: 50 });
    const findings = judgeSignIn(signIn({ succeeded: false, userId: undefined, address: "" }), before);
    expect(findings.map(({ subject }) => subject)).toEqual(["account:a"]);
  });
});

describe("a sign-in that succeeds", () => {
  test("after many failures is severe", () => {
    const [finding] = judgeSignIn(signIn(), history({ failuresAtAccount: 10 }));
    expect(finding).toMatchObject({ kind: ThreatKind.BRUTE_FORCE, severity: Severity.HIGH });
    expect(judgeSignIn(signIn(), history({ failuresAtAccount: 9, failuresFromAddress: 29 }))).toEqual([]);
  });

  test("from a new network is unusual once three others are known", () => {
    expect(kinds(signIn(), history(seen(2, "10.0.0.0/16")))).toEqual([]);
    expect(kinds(signIn(), history(seen(3, "10.0.0.0/16")))).toEqual([ThreatKind.UNUSUAL_PLACE]);
    expect(kinds(signIn({ network: "" }), history(seen(3, "10.0.0.0/16")))).toEqual([]);
  });

  test("at a new hour is unusual once ten others are known", () => {
    const night = noon - 9 * 3_600_000;
    expect(kinds(signIn(), history(seen(9, undefined, night)))).toEqual([]);
    expect(kinds(signIn(), history(seen(10, undefined, night)))).toEqual([ThreatKind.UNUSUAL_HOUR]);
    expect(kinds(signIn(), history(seen(10, undefined, noon - 2 * 3_600_000)))).toEqual([]);
  });
});

test("hours are counted around the clock", () => {
  expect([hoursApart(23, 1), hoursApart(0, 12), hoursApart(5, 5)]).toEqual([2, 12, 0]);
  const hour = fc.integer({ min: 0, max: 23 });
  fc.assert(
    fc.property(hour, hour, hour, (a, b, by) => {
      expect(hoursApart(a, b)).toBe(hoursApart(b, a));
      expect(hoursApart(a, b)).toBe(hoursApart((a + by) % 24, (b + by) % 24));
      expect(hoursApart(a, b)).toBeLessThanOrEqual(12);
    }),
  );
});

test("a hundred hits are abuse, and ninety-nine are not", () => {
  expect(judgeLimitHits("x", 99, "m")).toEqual([]);
  expect(judgeLimitHits("x", 100, "m")).toMatchObject([{ kind: ThreatKind.LIMIT_ABUSE, subject: "x" }]);
});
