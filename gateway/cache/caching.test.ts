import { beforeEach, describe, expect, test } from "vitest";
import { fail, reasonOf } from "#mesh";
import { createMetrics } from "#mesh/metrics/metrics.ts";
import type { Keeping, Kept } from "../edge/keeping.ts";
import { keepNothing } from "../edge/keeping.ts";
import { createCache } from "./caching.ts";
import type { TestRoute } from "./testing/asking.ts";
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

let nowMs = 0;
let asked = 0;
let told = toldEvents();
let keeping: Keeping;

beforeEach(() => {
  nowMs = 1_000_000;
  asked = 0;
  told = toldEvents();
  keeping = createCache({
    maxBytes: 1_000_000,
    invalidation: told.invalidation,
    log: quiet,
    now: () => nowMs,
  }).keeping(keepNothing);
});

const next = async () => kept(`{"n":${++asked}}`);
const down = async (): Promise<Kept> => {
  throw fail.unavailable("no_instance", "nobody there");
};
const cached = (more: Parameters<typeof policy>[0] = {}, route: TestRoute = {}) =>
  routeOf({ isPublic: true, cache: policy(more), ...route });

const counted = (produce: () => Promise<Kept>) => () => {
  asked++;
  return produce();
};

interface Asking {
  headers?: Record<string, string>;
  verb?: string;
  call?: ReturnType<typeof callOf>;
  message?: string;
  produce?: () => Promise<Kept>;
}
const ask = async (route: ReturnType<typeof routeOf>, asking: Asking = {}) => {
  const { headers = {}, verb = "GET", call = callOf(), message = "book 1", produce = next } = asking;
  return keeping(exchangeOf(verb, headers), route, call, bytesOf(message), produce);
};
const source = async (answer: Promise<Kept>) => fieldOf(await answer, "x-cache");

describe("an answer is kept", () => {
  test("for its time, and given without a promise", async () => {
    const route = cached({ maxAgeMs: 1000 });
    expect(await source(ask(route))).toBe("MISS");
    nowMs += 999;
    const given = keeping(exchangeOf("GET"), route, callOf(), bytesOf("book 1"), next);
    expect(given).not.toBeInstanceOf(Promise);
    expect((given as Kept).data).toBe('{"n":1}');
    nowMs += 1;
    expect(await source(ask(route))).toBe("MISS");
    expect(asked).toBe(2);
  });

  test("counted from when the service was asked, however long it took", async () => {
    const route = cached({ maxAgeMs: 1000 });
    const slowly = async () => {
      nowMs += 800;
      return next();
    };
    await ask(route, { produce: slowly });
    nowMs += 200;
    expect(await source(ask(route))).toBe("MISS");
  });

  test("for HEAD as for GET", async () => {
    const route = cached();
    await ask(route, { verb: "HEAD" });
    expect(await source(ask(route))).toBe("HIT");
  });

  test("for a POST too, since its method reads", async () => {
    const search = cached({}, { verb: "POST" });
    await ask(search, { verb: "POST" });
    const again = await ask(search, { verb: "POST" });
    expect([fieldOf(again, "x-cache"), fieldOf(again, "cache-control")]).toEqual(["HIT", undefined]);
  });

  test("not where the contract says nothing of it", async () => {
    const route = routeOf({ isPublic: true });
    await ask(route);
    expect((await ask(route)).data).toBe('{"n":2}');
  });

  test("not when it failed", async () => {
    const route = cached({ staleIfErrorMs: 1000 });
    await expect(ask(route, { produce: down })).rejects.toThrow("nobody there");
    expect(await source(ask(route))).toBe("MISS");
  });

  test.each([
    ["no-store", false],
    ["no-cache", false],
    ["private", false],
    ["max-age=0", false],
    ["max-age=nonsense", false],
    ["max-age=2", true],
    ["public, max-age=9999", true],
  ])("or not, as the service says: %s", async (said, isKept) => {
    const route = cached({ maxAgeMs: 5000 });
    await ask(route, { produce: async () => kept("{}", ["cache-control", said]) });
    nowMs += 1999;
    expect(await source(ask(route))).toBe(isKept ? "HIT" : "MISS");
    nowMs += 3001;
    expect(await source(ask(route))).toBe(isKept ? "MISS" : "HIT");
  });

  test("unless it is larger than one answer may be", async () => {
    const route = cached();
    await ask(route, { produce: async () => kept(`"${"x".repeat(300_000)}"`) });
    expect(await source(ask(route))).toBe("MISS");
  });
});

describe("an answer for one is never given to another:", () => {
  const route = cached({}, { isPublic: false });

  test.each([
    ["another user", user("bob")],
    ["the same with another role", user("ada", { roles: ["admin"] })],
    ["the same with another permission", user("ada", { permissions: ["book:read"] })],
    ["the same with another address", user("ada", { email: "ada@example.org" })],
    ["one whose name ends as another's facts begin", user('ada","ada@example.com')],
    ["nobody", undefined],
  ])("%s", async (_, who) => {
    await ask(route, { call: callOf(user("ada")) });
    expect(await source(ask(route, { call: callOf(who) }))).toBe("MISS");
  });

  test("who signs in again is the same", async () => {
    await ask(route, { call: callOf(user("ada")) });
    const again = callOf(user("ada", { sessionId: "s2" }));
    expect(await source(ask(route, { call: again }))).toBe("HIT");
  });

  test("nor of a public method to one who is signed in", async () => {
    const open = cached();
    await ask(open);
    expect(await source(ask(open, { call: callOf(user("ada")) }))).toBe("MISS");
    expect(await source(ask(open))).toBe("HIT");
  });

  test("nor where a token came that nobody believed", async () => {
    const open = cached();
    const call = () => callOf(undefined, { userToken: "who knows" });
    await ask(open, { call: call() });
    expect((await ask(open, { call: call() })).data).toBe('{"n":2}');
    expect(await source(ask(open))).toBe("MISS");
  });

  test("nor in another language, by another binding, or to another question", async () => {
    const open = cached();
    await ask(open);
    expect(await source(ask(open, { headers: { "accept-language": "de" } }))).toBe("MISS");
    expect(await source(ask(cached()))).toBe("MISS");
    expect(await source(ask(open, { message: "book 2" }))).toBe("MISS");
  });

  test("nor anything of methods for services alone", async () => {
    const closed = cached({}, { forServices: true });
    await ask(closed);
    expect((await ask(closed)).data).toBe('{"n":2}');
  });
});

describe("a request", () => {
  test.each(["no-cache", "max-age=0"])(
    "with cache-control %s gets a new answer, which is kept",
    async (it) => {
      const route = cached();
      await ask(route);
      const fresh = await ask(route, { headers: { "cache-control": it } });
      expect([fresh.data, fieldOf(fresh, "x-cache")]).toEqual(['{"n":2}', "MISS"]);
      expect((await ask(route)).data).toBe('{"n":2}');
    },
  );

  test("with no-store leaves no trace", async () => {
    const route = cached();
    await ask(route, { headers: { "cache-control": "no-store" } });
    expect(await source(ask(route))).toBe("MISS");
    const passed = await ask(route, { headers: { "cache-control": "no-store" } });
    expect([passed.data, passed.header]).toEqual(['{"n":3}', undefined]);
  });

  test("whose condition the service may heed goes to the service", async () => {
    const route = cached();
    await ask(route);
    expect((await ask(route, { headers: { "if-match": '"1"' } })).data).toBe('{"n":2}');
  });
});

describe("the header tells clients", () => {
  test("what they may keep it for, from when it was asked for, and how old it is", async () => {
    const route = cached({ maxAgeMs: 60_000, staleIfErrorMs: 300_000 });
    const first = await ask(route, { produce: async () => kept("{}", ["expires", "0", "link", "<x>"]) });
    expect(first.header).toEqual([
      "x-cache",
      "MISS",
      "link",
      "<x>",
      "cache-control",
      "public, max-age=60, stale-if-error=300",
      "vary",
      "accept-language",
    ]);
    nowMs += 12_900;
    const second = await ask(route);
    expect(fieldOf(second, "age")).toBe("12");
    expect(fieldOf(second, "cache-control")).toBe("public, max-age=60, stale-if-error=300");
  });

  test("that it is for one alone", async () => {
    const mine = await ask(cached({}, { isPublic: false }), { call: callOf(user("ada")) });
    expect(fieldOf(mine, "cache-control")).toBe("private, max-age=60");
  });

  test("to ask again where events end it, which they do not hear", async () => {
    const answer = await ask(cached({ invalidatedBy: ["book.changed"] }));
    expect(fieldOf(answer, "cache-control")).toBe("public, max-age=0");
  });
});

describe("an event", () => {
  const changing = () => cached({ invalidatedBy: ["book.changed"], staleIfErrorMs: 60_000 });

  test("ends what was kept, also as an answer that is out of date", async () => {
    const route = changing();
    await ask(route);
    expect(await source(ask(route))).toBe("HIT");
    told.happen();
    await expect(ask(route, { produce: down })).rejects.toThrow("nobody there");
    expect(await source(ask(route))).toBe("MISS");
  });

  test("while an answer is on its way keeps it from being kept or shared with who asks then", async () => {
    const route = changing();
    const slow = Promise.withResolvers<Kept>();
    const first = ask(route, { produce: () => slow.promise });
    told.happen();
    const second = ask(route);
    slow.resolve(kept('"old"'));
    expect((await first).data).toBe('"old"');
    expect((await second).data).toBe('{"n":1}');
    expect((await ask(route)).data).toBe('{"n":1}');
  });

  test("leaves alone what no event ends", async () => {
    const route = cached();
    await ask(route);
    told.happen();
    told.lose();
    expect(await source(ask(route))).toBe("HIT");
  });
});

describe("while events are not heard", () => {
  test("the service is asked each time, and nothing from then or before is new afterwards", async () => {
    const route = cached({ invalidatedBy: ["book.changed"] });
    await ask(route);
    told.lose();
    expect([await source(ask(route)), await source(ask(route))]).toEqual(["MISS", "MISS"]);
    told.hearAgain();
    expect(await source(ask(route))).toBe("MISS");
    expect(await source(ask(route))).toBe("HIT");
    expect(asked).toBe(4);
  });

  test("an answer asked for before is not kept when it comes after", async () => {
    const route = cached({ invalidatedBy: ["book.changed"] });
    const slow = Promise.withResolvers<Kept>();
    const first = ask(route, { produce: () => slow.promise });
    told.lose();
    told.hearAgain();
    slow.resolve(kept('"old"'));
    await first;
    expect(await source(ask(route))).toBe("MISS");
  });

  test("what was kept before helps out when the service is away too", async () => {
    const route = cached({ invalidatedBy: ["book.changed"], staleIfErrorMs: 60_000 });
    await ask(route);
    told.lose();
    expect(await source(ask(route, { produce: down }))).toBe("STALE");
  });
});

describe("when the service cannot answer", () => {
  const failing = (error: Error) => async () => {
    throw error;
  };

  test.each([
    ["is away", fail.unavailable("no_instance", "no")],
    ["is too slow", fail.deadline("deadline_exceeded", "no")],
    ["breaks the connection", fail.unavailable("connection_lost", "no")],
    ["answers what cannot be read", fail.internal("unreadable_answer", "no")],
    ["has too much to do", fail.exhausted("overloaded", "no")],
  ])("since it %s, a kept answer is given for the stale time", async (_, error) => {
    const route = cached({ maxAgeMs: 1000, staleIfErrorMs: 2000 });
    await ask(route);
    nowMs += 2999;
    const stale = await ask(route, { produce: failing(error) });
    expect([stale.data, fieldOf(stale, "x-cache"), fieldOf(stale, "age")]).toEqual(['{"n":1}', "STALE", "2"]);
    nowMs += 1;
    await expect(ask(route, { produce: failing(error) })).rejects.toBe(error);
  });

  test.each([
    ["says no", fail.denied("permission_missing", "no")],
    ["does not find it", fail.notFound("book_not_found", "no")],
    ["fails by itself", fail.internal("internal", "no")],
    ["limits the caller", fail.exhausted("rate_limited", "no")],
  ])("but not where it %s", async (_, error) => {
    const route = cached({ maxAgeMs: 1000, staleIfErrorMs: 2000 });
    await ask(route);
    nowMs += 1500;
    await expect(ask(route, { produce: failing(error) })).rejects.toBe(error);
  });

  test("a client that went away gets nothing", async () => {
    const route = cached({ maxAgeMs: 1000, staleIfErrorMs: 2000 });
    await ask(route);
    nowMs += 1500;
    const call = callOf();
    call.end(fail.canceled("canceled", "gone"));
    await expect(ask(route, { call, produce: failing(call.ended as Error) })).rejects.toThrow("gone");
  });
});

describe("many who ask the same at once", () => {
  test("make one call", async () => {
    const route = cached();
    const slow = Promise.withResolvers<Kept>();
    const all = Array.from({ length: 20 }, () => ask(route, { produce: counted(() => slow.promise) }));
    slow.resolve(kept('"one"'));
    expect(new Set((await Promise.all(all)).map(({ data }) => data))).toEqual(new Set(['"one"']));
    expect(asked).toBe(1);
  });

  test("are told alike that it failed", async () => {
    const route = cached();
    const all = Array.from({ length: 5 }, () => ask(route, { produce: counted(down) }));
    const reasons = (await Promise.allSettled(all)).map(
      (it) => it.status === "rejected" && reasonOf(it.reason),
    );
    expect(reasons).toEqual(Array(5).fill("no_instance"));
    expect(asked).toBe(1);
  });

  test.each([
    ["hangs up", fail.canceled("canceled", "gone")],
    ["has no more time", fail.deadline("deadline_exceeded", "late")],
  ])("do not suffer when the first %s: the next asks, and all others get that", async (_, reason) => {
    const route = cached();
    const call = callOf();
    const first = ask(route, {
      call,
      produce: () => new Promise((_resolve, reject) => call.onEnd(() => reject(call.ended))),
    });
    const others = Array.from({ length: 5 }, () => ask(route));
    call.end(reason);
    await expect(first).rejects.toBe(reason);
    expect((await Promise.all(others)).map(({ data }) => data)).toEqual(Array(5).fill('{"n":1}'));
  });

  test("each wait no longer than their own call lasts", async () => {
    const route = cached();
    const slow = Promise.withResolvers<Kept>();
    const first = ask(route, { produce: () => slow.promise });
    const call = callOf();
    const second = ask(route, { call });
    call.end(fail.canceled("canceled", "gone"));
    await expect(second).rejects.toThrow("gone");
    slow.resolve(kept("{}"));
    await first;
  });

  test("each ask themselves when the answer was for the first alone", async () => {
    const route = cached();
    const secret = async () => kept(`{"n":${++asked}}`, ["cache-control", "no-store"]);
    const all = await Promise.all(Array.from({ length: 4 }, () => ask(route, { produce: secret })));
    expect(new Set(all.map(({ data }) => data)).size).toBe(4);
    expect(fieldOf(all[0]!, "cache-control")).toBe("no-store");
  });

  test("with no-cache do not wait for a call that began before", async () => {
    const route = cached();
    const slow = Promise.withResolvers<Kept>();
    const first = ask(route, { produce: () => slow.promise });
    nowMs += 10;
    const fresh = await ask(route, { headers: { "cache-control": "no-cache" } });
    slow.resolve(kept('"old"'));
    await first;
    expect([fresh.data, (await ask(route)).data]).toEqual(['{"n":1}', '{"n":1}']);
  });
});

test("what came of requests is counted", async () => {
  const metrics = createMetrics("gateway");
  const options = {
    maxBytes: 1_000_000,
    invalidation: told.invalidation,
    log: quiet,
    metrics,
    now: () => nowMs,
  };
  keeping = createCache(options).keeping(keepNothing);
  const route = cached({ maxAgeMs: 10, staleIfErrorMs: 10_000 });
  await ask(route);
  await ask(route);
  nowMs += 20;
  await ask(route, { produce: down });
  await ask(route, { headers: { "cache-control": "no-store" } });
  const text = await metrics.render();
  for (const outcome of ["hit", "miss", "stale", "passed"]) {
    expect(text).toMatch(new RegExp(`cache_requests_total\\{outcome="${outcome}",service="gateway"\\} 1`));
  }
  expect(text).toMatch(/cache_bytes\{service="gateway"\} [1-9]/);
});

test("without memory nothing is kept", async () => {
  keeping = createCache({ maxBytes: 0, invalidation: told.invalidation, log: quiet }).keeping(keepNothing);
  const route = cached();
  await ask(route);
  expect((await ask(route)).data).toBe('{"n":2}');
});
