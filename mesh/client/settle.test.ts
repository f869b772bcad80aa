import { describe, expect, test } from "vitest";
import { instanceAt } from "../testing/scripted-callee.ts";
import type { Lanes } from "./endpoint.ts";
import { createEndpoint } from "./endpoint.ts";
import type { Verdict } from "./retry-policy.ts";
import { settleAnswered, settleFailed } from "./settle.ts";

const verdicts: readonly Verdict[] = ["answer", "absent", "leaving", "overloaded", "broken"];

/** An instance that was absent, with a breaker that was open, and the probe that is sent to it. */
function probed() {
  let nowMs = 0;
  const now = () => nowMs;
  const endpoint = createEndpoint({ instance: instanceAt(1), lanes: {} as Lanes, now });
  while (endpoint.breaker.state === "closed") endpoint.breaker.failed(endpoint.breaker.begin());
  endpoint.absence.gone();
  nowMs = 5000;
  endpoint.load.begin();
  return { endpoint, ticket: endpoint.breaker.begin(), later: (ms: number) => (nowMs += ms) };
}

/** What it is afterwards: its breaker, and how long it is left alone when nobody is there once more. */
function after({ endpoint, later }: ReturnType<typeof probed>) {
  const { breaker, absence } = endpoint;
  const probeIsFree = breaker.state === "half-open" && breaker.admits();
  absence.gone();
  later(30);
  return { breaker: probeIsFree ? "probe given back" : breaker.state, back: absence.over };
}

describe("a try", () => {
  test("that was answered closes the breaker, and the instance is there", () => {
    const world = probed();
    settleAnswered(world.endpoint, world.ticket, 10);
    expect(after(world)).toEqual({ breaker: "closed", back: true });
  });

  test.each<[Verdict, string, boolean]>([
    ["answer", "closed", true],
    ["absent", "probe given back", false],
    ["leaving", "probe given back", true],
    ["overloaded", "probe given back", true],
    ["broken", "open", true],
  ])("that the instance failed as %s leaves it: %s, there: %s", (verdict, breaker, back) => {
    const world = probed();
    settleFailed(world.endpoint, world.ticket, 10, verdict, true);
    expect(after(world)).toEqual({ breaker, back });
  });

  test.each<[Verdict, string]>([
    ["answer", "probe given back"],
    ["absent", "probe given back"],
    ["leaving", "probe given back"],
    ["overloaded", "probe given back"],
    ["broken", "open"],
  ])("that its caller may have ended, as %s, leaves it: %s, and proves nobody there", (verdict, breaker) => {
    const world = probed();
    settleFailed(world.endpoint, world.ticket, 10, verdict, false);
    expect(after(world)).toEqual({ breaker, back: false });
  });

  test("is no longer in flight, however it ended", () => {
    for (const verdict of verdicts) {
      for (const isHeard of [true, false]) {
        const { endpoint, ticket } = probed();
        settleFailed(endpoint, ticket, 10, verdict, isHeard);
        expect(endpoint.load.inFlight).toBe(0);
      }
    }
  });

  test("that was turned away, however quickly, does not make its instance look quick", () => {
    const costOf = (verdict: Verdict) => {
      const { endpoint, ticket } = probed();
      settleFailed(endpoint, ticket, 0.1, verdict, true);
      return endpoint.load.cost();
    };
    for (const verdict of ["absent", "leaving", "overloaded"] as const)
      expect(costOf(verdict)).toBeGreaterThan(10 * costOf("answer"));
  });
});
