import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import type { Instance } from "./instance.ts";
import type { View } from "./view.ts";
import { createView } from "./view.ts";

const policy = { leaseMs: 600, disbeliefMs: 3000 };
const make = (id: string, changes: Partial<Instance> = {}): Instance => ({
  id,
  service: "order",
  host: "10.0.0.4",
  port: 8012,
  version: "0.1.0",
  weight: 100,
  contracts: "0".repeat(64),
  express: true,
  ...changes,
});

let nowMs: number;
let revision: number;
let view: View;
const put = (id: string, changes: Partial<Instance> = {}) => view.put(make(id, changes), ++revision);
const ids = (service = "order") => view.instances(service).map(({ id }) => id);
/** What the wiring does when the broker confirms all. */
const letGo = () => {
  const leaving = view.overdue(100).filter((it) => it.leaves);
  if (leaving.length > 0) view.sweep(nowMs);
  return leaving.map(({ id }) => id);
};

beforeEach(() => {
  nowMs = 1_000_000;
  revision = 0;
  view = createView({ now: () => nowMs, policy });
  view.trust();
});

describe("the instances of a service", () => {
  test("are sorted by id, and the same array until something changes", () => {
    put("b");
    put("c");
    put("a");
    const before = view.instances("order");
    expect(before.map(({ id }) => id)).toEqual(["a", "b", "c"]);
    nowMs += 200;
    put("b");
    put("x", { service: "user" });
    expect(view.instances("order")).toBe(before);
    put("b", { weight: 5 });
    expect(view.instances("order")).not.toBe(before);
    expect(before[1]?.weight).toBe(100);
    expect(view.instances("order")[1]?.weight).toBe(5);
    expect(view.services()).toEqual(["order", "user"]);
  });

  test("nobody knows are none, always the same none", () => {
    expect(view.instances("nobody")).toEqual([]);
    expect(view.instances("nobody")).toBe(view.instances("other"));
    expect(view.instances("__proto__")).toEqual([]);
  });

  test("are gone at once when they are withdrawn, the last one too", () => {
    put("a");
    put("b");
    view.withdraw("order", "a");
    expect(ids()).toEqual(["b"]);
    view.withdraw("order", "b");
    view.withdraw("order", "b");
    view.withdraw("nobody", "b");
    expect(ids()).toEqual([]);
    expect(view.size()).toBe(0);
    expect(view.services()).toEqual([]);
  });

  test("are bounded in number, for one service and for all", () => {
    view = createView({ now: () => nowMs, policy, mostInstances: 3, mostPerService: 2 });
    expect([put("a"), put("b"), put("c")]).toEqual([true, true, false]);
    expect([put("a", { service: "user" }), put("b", { service: "user" })]).toEqual([true, false]);
    expect(put("a", { weight: 7 })).toBe(true);
    expect(ids()).toEqual(["a", "b"]);
    view.withdraw("order", "a");
    expect(put("c")).toBe(true);
  });
});

describe("an instance that no longer renews", () => {
  test("leaves after its lease while its sibling goes on", () => {
    put("dead");
    put("alive");
    for (const step of [200, 400, 599]) {
      nowMs = 1_000_000 + step;
      put("alive");
      expect(letGo()).toEqual([]);
    }
    nowMs = 1_000_600;
    expect(letGo()).toEqual(["dead"]);
    expect(ids()).toEqual(["alive"]);
  });

  test("stays when it renews while the broker is asked about it", () => {
    put("late");
    nowMs += 500;
    put("alive");
    nowMs += 100;
    const askedMs = nowMs;
    expect(view.overdue(10)).toEqual([{ service: "order", id: "late", revision: 1, leaves: true }]);
    nowMs += 50;
    put("late");
    view.sweep(askedMs);
    expect(ids()).toEqual(["alive", "late"]);
  });

  test("is not kept by what it said before being told again", () => {
    view.put(make("dead"), 7);
    nowMs += 500;
    put("alive");
    view.put(make("dead"), 7);
    nowMs += 100;
    expect(letGo()).toEqual(["dead"]);
  });

  test("is believed to be there for a while when the whole service is silent", () => {
    put("a");
    nowMs += 100;
    put("b");
    nowMs += 3499;
    expect(letGo()).toEqual([]);
    expect(view.overdue(10).map((it) => [it.id, it.leaves])).toEqual([
      ["a", false],
      ["b", false],
    ]);
    expect(view.overdue(1)).toHaveLength(1);
    expect(ids()).toEqual(["a", "b"]);
    nowMs += 1;
    expect(letGo()).toEqual(["a"]);
    nowMs += 100;
    expect(letGo()).toEqual(["b"]);
  });
});

describe("a view that is not current", () => {
  test("loses nobody, and gives all a lease to renew when it is current again", () => {
    put("a");
    put("b");
    view.doubt();
    nowMs += 60_000;
    expect(letGo()).toEqual([]);
    view.sweep(nowMs);
    expect(ids()).toEqual(["a", "b"]);
    view.trust();
    nowMs += 599;
    put("a");
    expect(letGo()).toEqual([]);
    nowMs += 1;
    expect(letGo()).toEqual(["b"]);
  });

  test("tells its watchers when all is in, once", () => {
    const seen: number[] = [];
    view.doubt();
    view.watch("order", (instances) => seen.push(instances.length));
    put("a");
    put("b");
    put("c");
    expect(seen).toEqual([]);
    view.trust();
    expect(seen).toEqual([3]);
    view.doubt();
    view.trust();
    expect(seen).toEqual([3]);
  });
});

describe("a watcher", () => {
  test("is called once per change of its service, until it stops", () => {
    const seen: string[][] = [];
    const stop = view.watch("order", (instances) => seen.push(instances.map(({ id }) => id)));
    put("a");
    put("a");
    put("x", { service: "user" });
    put("b");
    view.withdraw("order", "a");
    expect(seen).toEqual([["a"], ["a", "b"], ["b"]]);
    stop();
    put("c");
    expect(seen).toHaveLength(3);
  });

  test("that fails keeps nobody from being told", () => {
    const errors: unknown[] = [];
    view = createView({ now: () => nowMs, policy, onWatcherError: (error) => errors.push(error) });
    view.trust();
    let told = 0;
    view.watch("order", () => {
      throw new Error("mine");
    });
    view.watch("order", () => {
      told++;
    });
    put("a");
    expect([told, errors.length]).toEqual([1, 1]);
  });
});

describe("a watcher of all services", () => {
  test("is told which one changed, the first and the last instance too, until it stops", () => {
    const seen: string[] = [];
    const stop = view.watchServices((service) => seen.push(`${service}: ${ids(service)}`));
    put("a");
    put("a");
    put("x", { service: "user" });
    view.withdraw("order", "a");
    expect(seen).toEqual(["order: a", "user: x", "order: "]);
    stop();
    put("b");
    expect(seen).toHaveLength(3);
  });

  test("is told once of what changed while the view was not current", () => {
    const seen: string[] = [];
    view.watchServices((service) => seen.push(service));
    view.doubt();
    put("a");
    put("b");
    expect(seen).toEqual([]);
    view.trust();
    expect(seen).toEqual(["order"]);
  });

  test("that fails keeps nobody from being told", () => {
    const errors: unknown[] = [];
    view = createView({ now: () => nowMs, policy, onWatcherError: (error) => errors.push(error) });
    view.trust();
    let told = 0;
    view.watchServices(() => {
      throw new Error("mine");
    });
    view.watchServices(() => told++);
    put("a");
    expect([told, errors.length]).toEqual([1, 1]);
  });
});

test("whatever happens, whoever renewed last stays until it is withdrawn or its silence is believed", () => {
  const id = fc.constantFrom("a", "b", "c");
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant("put" as const), id }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("withdraw" as const), id }) },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 900 }) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("trust" as const, "doubt" as const) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      view = createView({ now: () => nowMs, policy });
      view.trust();
      const renewed = new Map<string, number>();
      let told: readonly string[] = [];
      let last = { id: "", atMs: nowMs };
      view.watch("order", (instances) => {
        told = instances.map((it) => it.id);
      });
      for (const it of steps) {
        if (it.do === "put") {
          put(it.id);
          renewed.set(it.id, nowMs);
          last = { id: it.id, atMs: nowMs };
        } else if (it.do === "withdraw") {
          view.withdraw("order", it.id);
          renewed.delete(it.id);
        } else if (it.do === "wait") nowMs += it.ms;
        else view[it.do]();
        letGo();
        const known = ids();
        for (const [name, atMs] of renewed) {
          if (nowMs - atMs < policy.leaseMs) expect(known).toContain(name);
        }
        for (const name of known) expect(renewed.has(name)).toBe(true);
        const isBelieved = nowMs - last.atMs >= policy.leaseMs + policy.disbeliefMs;
        if (renewed.has(last.id) && !isBelieved) expect(known).toContain(last.id);
        expect(view.size()).toBe(known.length);
        if (view.isCurrent()) expect(told).toEqual(known);
      }
    }),
  );
});
