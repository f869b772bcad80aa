import fc from "fast-check";
import { expect, test } from "vitest";
import { fail } from "#mesh";
import type { Kept } from "../edge/keeping.ts";
import { keepNothing } from "../edge/keeping.ts";
import { createCache } from "./caching.ts";
import {
  bytesOf,
  callOf,
  exchangeOf,
  fieldOf,
  kept,
  policy,
  quiet,
  routeOf,
  user,
} from "./testing/asking.ts";
import { toldEvents } from "./testing/told-events.ts";

const maxAgeMs = 100;
const staleIfErrorMs = 150;
const maxBytes = 8000;

const people = [
  undefined,
  user("ada"),
  user("ada", { roles: ["admin"] }),
  user("bob"),
  user("bob", { permissions: ["book:read"] }),
];

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      is: fc.constant("ask" as const),
      who: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat(people.length - 1)),
      book: fc.nat(1),
      language: fc.constantFrom(0, 0, 0, 1),
      changing: fc.boolean(),
      control: fc.constantFrom(undefined, undefined, undefined, "no-cache", "no-store"),
      size: fc.nat(400),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      is: fc.constant("end" as const),
      which: fc.nat(50),
      how: fc.constantFrom(
        "answer" as const,
        "answer" as const,
        "answer" as const,
        "away" as const,
        "hang up" as const,
      ),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      is: fc.constant("pass" as const),
      ms: fc.oneof({ weight: 4, arbitrary: fc.nat(20) }, fc.nat(120)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("event" as const) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("lose" as const) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("hear" as const) }) },
);

/** What an answer of the service says of itself. */
interface Fact {
  readonly question: string;
  readonly askedMs: number;
  readonly events: number;
  readonly gaps: number;
}

test("no answer is another's, older than allowed, or from before an event; memory is bounded", async () => {
  let hits = 0;
  let stales = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 100, maxLength: 150 }), async (steps) => {
      let nowMs = 10_000;
      let events = 0;
      let gaps = 0;
      let live = true;
      const told = toldEvents();
      const cache = createCache({
        maxBytes,
        invalidation: told.invalidation,
        log: quiet,
        now: () => nowMs,
      });
      const keeping = cache.keeping(keepNothing);
      const routes = {
        changing: routeOf({
          isPublic: true,
          cache: policy({ maxAgeMs, staleIfErrorMs, invalidatedBy: ["book.changed"] }),
        }),
        lasting: routeOf({ isPublic: true, cache: policy({ maxAgeMs, staleIfErrorMs }) }),
      };
      const underWay: { end: (how: "answer" | "away" | "hang up") => void }[] = [];
      const answered: Promise<void>[] = [];
      let failure: unknown;

      const ask = (it: Extract<(typeof steps)[number], { is: "ask" }>) => {
        const who = people[it.who];
        const question = JSON.stringify([who ?? null, it.book, it.language, it.changing]);
        const headers = {
          "accept-language": `l${it.language}`,
          ...(it.control && { "cache-control": it.control }),
        };
        const call = callOf(who);
        const began = { nowMs, events, gaps, live };
        let ownCall = false;
        const produce = () => {
          ownCall = true;
          const fact: Fact = { question, askedMs: nowMs, events, gaps };
          return new Promise<Kept>((resolve, reject) => {
            underWay.push({
              end: (how) => {
                if (how === "answer") resolve(kept(JSON.stringify({ ...fact, pad: "x".repeat(it.size) })));
                else if (how === "away") reject(fail.unavailable("no_instance", "away"));
                else {
                  call.end(fail.canceled("canceled", "gone"));
                  reject(call.ended);
                }
              },
            });
          });
        };
        const route = it.changing ? routes.changing : routes.lasting;
        const given = keeping(exchangeOf("GET", headers), route, call, bytesOf(`${it.book}`), produce);
        const check = (answer: Kept) => {
          const fact = JSON.parse(answer.data) as Fact;
          const source = fieldOf(answer, "x-cache");
          expect(fact.question).toBe(question);
          if (it.control !== undefined && source !== "STALE") expect(ownCall).toBe(true);
          if (source === "HIT") {
            hits++;
            expect(began.nowMs - fact.askedMs).toBeLessThan(maxAgeMs);
            if (it.changing) {
              expect([fact.events, fact.gaps, began.live]).toEqual([began.events, began.gaps, true]);
            }
          } else if (source === "STALE") {
            stales++;
            expect(it.control).not.toBe("no-store");
            expect(nowMs - fact.askedMs).toBeLessThan(maxAgeMs + staleIfErrorMs);
            if (it.changing) expect(fact.events).toBe(events);
          } else if (it.changing) {
            expect(fact.events).toBeGreaterThanOrEqual(began.events);
            expect(fact.gaps).toBeGreaterThanOrEqual(began.gaps);
          }
        };
        if (!(given instanceof Promise)) return check(given);
        answered.push(
          given
            .then(check, () => {})
            .catch((error: unknown) => {
              failure ??= error;
            }),
        );
      };

      for (const it of steps) {
        if (it.is === "ask") ask(it);
        if (it.is === "end" && underWay.length > 0) {
          underWay.splice(it.which % underWay.length, 1)[0]?.end(it.how);
        }
        if (it.is === "pass") nowMs += it.ms;
        if (it.is === "event" && live) {
          events++;
          told.happen();
        }
        if (it.is === "lose" && live) {
          live = false;
          gaps++;
          told.lose();
        }
        if (it.is === "hear" && !live) {
          live = true;
          gaps++;
          told.hearAgain();
        }
        // So that what follows from a step has happened before the next.
        await new Promise(setImmediate);
        expect(cache.bytes()).toBeLessThanOrEqual(maxBytes);
      }
      // Who waited for one that hung up asks anew.
      while (underWay.length > 0) {
        for (const { end } of underWay.splice(0)) end("answer");
        await new Promise(setImmediate);
      }
      await Promise.all(answered);
      if (failure) throw failure;
    }),
    { numRuns: 100 },
  );
  expect(hits).toBeGreaterThan(100);
  expect(stales).toBeGreaterThan(20);
});
