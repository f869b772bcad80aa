import { describe, expect, test } from "vitest";
import { createAdaptiveLimit } from "./adaptive-limit.ts";
import { adaptiveLimitPolicy } from "./adaptive-limit-policy.ts";

/** A generator that gives the same numbers each run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Call {
  method: number;
  startMs: number;
  serviceMs: number;
}

interface Method {
  /** Part of the arrivals. */
  share: number;
  /** How long the server works on it; `random` is from 0 to 1. */
  serviceMs(random: () => number): number;
  /** Waits for something else than the server, and takes none of its workers. */
  waits?: boolean;
  /** Default 1 s. */
  deadlineMs?: number;
}

interface World {
  /** 1: an event loop. More: as many connections to a store. */
  workers: number;
  methods: Method[];
  /** Arrivals per second at a time. */
  offered(ms: number): number;
  untilMs: number;
  /** Makes work longer from a time on. */
  slower?(ms: number): number;
}

/** What happened within each second. */
interface Second {
  offered: number;
  shed: number;
  good: number;
  late: number;
  slowestMs: number;
}

/** A server with a first-come-first-served queue behind the limiter, in simulated time. */
function simulate(world: World): { seconds: Second[] } {
  const { workers, methods, offered, untilMs, slower = () => 1 } = world;
  const random = seeded(1);
  let nowMs = 0;
  const limiter = createAdaptiveLimit({ methods: methods.length, now: () => nowMs });
  const ends = createHeap<Call>();
  const queue: Call[] = [];
  let head = 0;
  let busy = 0;
  const none = (): Second => ({ offered: 0, shed: 0, good: 0, late: 0, slowestMs: 0 });
  const seconds = Array.from({ length: Math.ceil(untilMs / 1000) }, none);
  /** What ends after the end of the run is not looked at. */
  const after = none();
  const second = () => seconds[Math.floor(nowMs / 1000)] ?? after;

  const work = () => {
    while (busy < workers && head < queue.length) {
      const call = queue[head++]!;
      busy++;
      ends.push(nowMs + call.serviceMs, call);
    }
  };
  const arrive = () => {
    second().offered++;
    if (!limiter.tryEnter()) {
      second().shed++;
      return;
    }
    const method = draw(methods, random());
    const { serviceMs, waits } = methods[method]!;
    const call = {
      method,
      startMs: nowMs,
      serviceMs: serviceMs(random) * (waits ? 1 : slower(nowMs)),
    };
    if (waits) ends.push(nowMs + call.serviceMs, call);
    else queue.push(call);
  };
  const finish = (call: Call) => {
    const { waits = false, deadlineMs = 1000 } = methods[call.method]!;
    if (!waits) busy--;
    const tookMs = nowMs - call.startMs;
    const inTime = tookMs <= deadlineMs;
    const now = second();
    if (inTime) now.good++;
    else now.late++;
    now.slowestMs = Math.max(now.slowestMs, tookMs);
    limiter.leave(call.method, tookMs, inTime ? "ok" : "dropped");
  };

  let arrivalMs = 0;
  while (arrivalMs < untilMs || ends.size > 0) {
    if (arrivalMs < untilMs && arrivalMs <= ends.nextMs) {
      nowMs = arrivalMs;
      const perMs = offered(nowMs) / 1000;
      if (perMs > 0) arrive();
      arrivalMs += perMs > 0 ? -Math.log(1 - random()) / perMs : 1;
    } else {
      nowMs = ends.nextMs;
      finish(ends.pop());
    }
    work();
  }
  return { seconds };
}

/** The method that a number from 0 to 1 falls to. */
function draw(methods: Method[], number: number): number {
  let left = number;
  for (const [index, { share }] of methods.entries()) {
    left -= share;
    if (left < 0) return index;
  }
  return 0;
}

function createHeap<T>() {
  const items: { ms: number; value: T }[] = [];
  const swap = (i: number, j: number) => {
    [items[i], items[j]] = [items[j]!, items[i]!];
  };
  return {
    get size() {
      return items.length;
    },
    get nextMs() {
      return items[0]?.ms ?? Number.POSITIVE_INFINITY;
    },
    push(ms: number, value: T) {
      let i = items.push({ ms, value }) - 1;
      for (let up = (i - 1) >> 1; i > 0 && items[up]!.ms > ms; up = (i - 1) >> 1) {
        swap(i, up);
        i = up;
      }
    },
    pop(): T {
      const top = items[0]!;
      const last = items.pop()!;
      if (items.length === 0) return top.value;
      items[0] = last;
      for (let i = 0; ; ) {
        let least = i;
        for (const child of [2 * i + 1, 2 * i + 2]) {
          if (child < items.length && items[child]!.ms < items[least]!.ms) least = child;
        }
        if (least === i) return top.value;
        swap(i, least);
        i = least;
      }
    },
  };
}

const sum = (seconds: Second[], of: "offered" | "shed" | "good" | "late") =>
  seconds.reduce((total, second) => total + second[of], 0);
const goodPerSecond = (seconds: Second[]) => sum(seconds, "good") / seconds.length;
const slowestMs = (seconds: Second[]) => Math.max(...seconds.map((second) => second.slowestMs));

const exactly = (ms: number) => () => ms;
const exponential = (ms: number) => (random: () => number) => -Math.log(1 - random()) * ms;
/** One in ten is a hundred times as long as the others; on average `ms`. */
const heavy = (ms: number) => (random: () => number) => (random() < 0.1 ? 100 : 1) * (ms / 10.9);
/** Nearly half of the answers come from a cache. */
const cached = (ms: number) => (random: () => number) => (random() < 0.4 ? ms / 100 : ms * 1.66);

const one = (serviceMs: Method["serviceMs"]): Method[] => [{ share: 1, serviceMs }];
const servers: Record<string, { workers: number; methods: Method[]; capacity: number }> = {
  "computes 1 ms a call": { workers: 1, methods: one(exponential(1)), capacity: 1000 },
  "computes 10 ms a call": { workers: 1, methods: one(exactly(10)), capacity: 100 },
  "computes 100 ms a call": { workers: 1, methods: one(exactly(100)), capacity: 10 },
  "waits 50 ms for one of 100 connections": { workers: 100, methods: one(exactly(50)), capacity: 2000 },
  "waits 50 ms on average for one of 100 connections": {
    workers: 100,
    methods: one(exponential(50)),
    capacity: 2000,
  },
  "waits 400 ms for one of 100 connections": { workers: 100, methods: one(exactly(400)), capacity: 250 },
  "waits 20 ms for one of 10 connections": { workers: 10, methods: one(exactly(20)), capacity: 500 },
  "waits for a store with one slow query in ten": { workers: 50, methods: one(heavy(40)), capacity: 1250 },
  "waits for a store behind a cache": { workers: 50, methods: one(cached(40)), capacity: 1245 },
};

const run = (name: string, load: number, untilMs: number) => {
  const { capacity, ...server } = servers[name]!;
  const { seconds } = simulate({ ...server, offered: () => capacity * load, untilMs });
  return { capacity, seconds, settled: seconds.slice(10) };
};

describe.each(Object.keys(servers))("a server that %s", (name) => {
  test("turns nobody away at half its capacity, bursts included", () => {
    expect(sum(run(name, 0.5, 30_000).seconds, "shed")).toBe(0);
  });

  test.each([2, 5, 10])("answers in time 90 % of what it can when offered %d times as much", (load) => {
    const { capacity, settled } = run(name, load, 30_000);
    expect(goodPerSecond(settled)).toBeGreaterThan(0.9 * capacity);
    expect(slowestMs(settled)).toBeLessThan(2000);
  });
});

describe("after a change", () => {
  test("overload that ends is forgotten within two seconds", () => {
    const { seconds } = simulate({
      workers: 1,
      methods: one(exponential(5)),
      offered: (ms) => (ms < 20_000 ? 2000 : 100),
      untilMs: 40_000,
    });
    expect(sum(seconds.slice(22), "shed")).toBe(0);
    expect(sum(seconds.slice(22), "late")).toBe(0);
  });

  test("a store that slows down and recovers is used to its new capacity within ten seconds", () => {
    const { seconds } = simulate({
      workers: 100,
      methods: one(exactly(50)),
      offered: () => 4000,
      slower: (ms) => (ms >= 20_000 && ms < 50_000 ? 4 : 1),
      untilMs: 70_000,
    });
    expect(goodPerSecond(seconds.slice(10, 20))).toBeGreaterThan(0.9 * 2000);
    expect(goodPerSecond(seconds.slice(30, 50))).toBeGreaterThan(0.9 * 500);
    expect(goodPerSecond(seconds.slice(60, 70))).toBeGreaterThan(0.9 * 2000);
  });

  test("calls that all take ten times as long at light load are all let in again within twelve seconds", () => {
    const { seconds } = simulate({
      workers: 100,
      methods: one(exactly(50)),
      offered: () => 150,
      slower: (ms) => (ms >= 20_000 ? 10 : 1),
      untilMs: 50_000,
    });
    expect(sum(seconds.slice(32), "shed")).toBe(0);
  });
});

describe("calls that are long by nature", () => {
  const short: Method = { share: 0.99, serviceMs: exponential(2) };
  test.each([
    [
      "a payment of 600 to 900 ms",
      { share: 0.01, serviceMs: (r: () => number) => 600 + 300 * r(), waits: true },
    ],
    [
      "an export of 5 s",
      { share: 0.01, serviceMs: (r: () => number) => 4500 + 1000 * r(), waits: true, deadlineMs: 10_000 },
    ],
  ])("such as %s neither hide an overload nor look like one", (_, long) => {
    const world = { workers: 1, methods: [short, long], untilMs: 40_000 };
    const calm = simulate({ ...world, offered: () => 250 }).seconds;
    expect(sum(calm, "shed")).toBe(0);
    const busy = simulate({ ...world, offered: () => 2500 }).seconds.slice(10);
    expect(goodPerSecond(busy)).toBeGreaterThan(0.9 * 500);
    expect(sum(busy, "late")).toBe(0);
  });
});

describe("the place of a call", () => {
  const create = (limit: number) =>
    createAdaptiveLimit({ methods: 1, now: () => 0, policy: { ...adaptiveLimitPolicy, startLimit: limit } });

  test("is there for as many as the limit says, and again when one leaves", () => {
    const limiter = create(3);
    expect([1, 2, 3, 4].map(() => limiter.tryEnter())).toEqual([true, true, true, false]);
    expect(limiter.inFlight).toBe(3);
    limiter.leave(0, 1, "ignore");
    expect(limiter.tryEnter()).toBe(true);
    expect(limiter.limit).toBe(3);
  });

  test("is given back by a method nobody knows, too", () => {
    const limiter = create(1);
    limiter.tryEnter();
    limiter.leave(7, 1, "ok");
    expect(limiter.inFlight).toBe(0);
  });
});

test("with nothing but ignored calls the limit stays where it is", () => {
  let nowMs = 0;
  const limiter = createAdaptiveLimit({ methods: 1, now: () => nowMs });
  for (let i = 0; i < 10_000; i++) {
    limiter.tryEnter();
    nowMs += 50;
    limiter.leave(0, 50, "ignore");
  }
  expect(limiter.limit).toBe(adaptiveLimitPolicy.startLimit);
});
