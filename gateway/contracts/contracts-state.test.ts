import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { newId } from "#mesh";
import type { Instance } from "#mesh/discovery/instance.ts";
import { bindingsOf } from "../routing/bindings-of.ts";
import { settleMs } from "./admission.ts";
import { claimsOf } from "./claims.ts";
import { createContractsState } from "./contracts-state.ts";
import { mostServices } from "./limits.ts";
import type { Reading } from "./read-contract.ts";
import { readContract } from "./read-contract.ts";
import { testRegistry, testServices } from "./testing/test-file.ts";

/** A contract `<service>.v1.S` with these GET paths; a version makes it another contract. */
const readings = new Map<string, Reading>();
const troubles = new Map<string, string>();
let nowMs: number;
let started: number;
let running: Instance[];
let wanted: readonly string[];
let state: ReturnType<typeof createContractsState>;

const key = (service: string, hash: string) => `${service} ${hash}`;
const own = testServices({ package: "own.v1", services: { Own: { Do: { http: { get: "/own" } } } } });
const make = () =>
  createContractsState({
    own: claimsOf(
      own,
      own.flatMap((it) => bindingsOf(it).bindings),
    ),
    loader: {
      want: (all) => {
        wanted = all.map((it) => key(it.service, it.hash));
      },
      reading: ({ service, hash }) => readings.get(key(service, hash)),
      trouble: ({ service, hash }) => troubles.get(key(service, hash)),
    },
    now: () => nowMs,
  });
/** The descriptor set of a hash has come. */
const loaded = (service: string, hash: string, ...paths: string[]) => {
  const methods = Object.fromEntries(paths.map((path, i) => [`M${i}`, { http: { get: path } }]));
  const services = { S: { [hash]: {}, ...methods } };
  const registry = testRegistry({ package: `${service}.v1`, process: service, services });
  readings.set(key(service, hash), readContract(service, hash, registry));
};
const start = (service: string, contracts: string): Instance => {
  const id = newId(1_700_000_000_000 + ++started * 1000);
  const instance = { id, service, host: "a", port: 1, version: "1", weight: 100, contracts, express: true };
  running.push(instance);
  return instance;
};
const stop = (...instances: Instance[]) => {
  running = running.filter((it) => !instances.includes(it));
};
const settle = () => {
  const names = [...new Set(running.map((it) => it.service))];
  const byId = (a: Instance, b: Instance) => (a.id < b.id ? -1 : 1);
  return state.settle(
    names.map((name) => ({ name, instances: running.filter((it) => it.service === name).sort(byId) })),
  );
};
const served = () => settle().served.map(({ service, hash }) => `${service} ${hash}`);
const reports = () =>
  settle().reports.map(({ service, hash, status, problems }) =>
    [service, hash, status, ...problems].join(" "),
  );

beforeEach(() => {
  readings.clear();
  troubles.clear();
  nowMs = 1_000_000;
  started = 0;
  running = [];
  wanted = [];
  state = make();
  state.restore([]);
});

describe("of one service", () => {
  test("a contract is served once it is loaded, and again the same object", () => {
    start("order", "A");
    expect(reports()).toEqual(["order A loading"]);
    loaded("order", "A");
    const first = settle();
    expect(first).toMatchObject({ isChanged: true, isComplete: true });
    const second = settle();
    expect(second.isChanged).toBe(false);
    expect(second.served).toBe(first.served);
  });

  test("the contract of the newest instance is served, and the former one until it is loaded", () => {
    const old = start("order", "A");
    loaded("order", "A");
    expect(served()).toEqual(["order A"]);
    start("order", "B");
    expect(reports()).toEqual(["order A served", "order B loading"]);
    loaded("order", "B");
    expect(served()).toEqual(["order B"]);
    stop(old);
    expect(served()).toEqual(["order B"]);
  });

  test("an older version that starts anew is the newest, and one that alone is left is too", () => {
    start("order", "A");
    const newer = start("order", "B");
    loaded("order", "A");
    loaded("order", "B");
    expect(served()).toEqual(["order B"]);
    const back = start("order", "A");
    expect(served()).toEqual(["order A"]);
    stop(back);
    expect(served()).toEqual(["order B"]);
    stop(newer);
    expect(served()).toEqual(["order A"]);
  });

  test("what breaks callers of the former contract is told of with the new one", () => {
    start("order", "A");
    loaded("order", "A", "/x");
    settle();
    start("order", "B");
    loaded("order", "B");
    expect(settle().reports[0]?.changes.map(({ what }) => what)).toEqual([
      "order.v1.S/A is gone",
      "order.v1.S/M0 is gone",
      "order.v1.S/B is new",
    ]);
    expect(settle().reports[0]?.changes).toHaveLength(3);
  });

  test("a contract that is refused is reported, and the one before stays, also without its instances", () => {
    const old = start("order", "A");
    loaded("order", "A");
    settle();
    start("order", "B");
    loaded("order", "B", "/health");
    expect(reports()).toEqual(["order A served", expect.stringMatching(/^order B refused .*under \/health/)]);
    stop(old);
    expect(served()).toEqual(["order A"]);
    start("order", "C");
    loaded("order", "C");
    expect(served()).toEqual(["order C"]);
  });

  test("when the newest is refused and nothing was served, an older one is", () => {
    start("order", "A");
    start("order", "B");
    loaded("order", "A");
    loaded("order", "B", "/health");
    expect(served()).toEqual(["order A"]);
  });

  test("it stays served when all its instances are gone", () => {
    const one = start("order", "A");
    loaded("order", "A");
    settle();
    stop(one);
    expect(served()).toEqual(["order A"]);
    expect(wanted).toEqual([]);
    expect(state.recordable()).toEqual([]);
  });

  test("no more than three contracts are looked at", () => {
    for (const hash of ["A", "B", "C", "D"]) start("order", hash);
    settle();
    expect(wanted).toEqual(["order D", "order C", "order B"]);
  });
});

describe("of two services that claim the same", () => {
  test("who is served already stays, and the other is refused with the words of both", () => {
    start("order", "A");
    loaded("order", "A", "/x/{id}");
    settle();
    nowMs += settleMs;
    start("cart", "A");
    loaded("cart", "A", "/x/*", "/y");
    expect(reports()).toEqual([
      "cart A refused it claims GET /x/* of cart.v1.S/M0; order serves GET /x/{id} of order.v1.S/M0 already",
      "order A served",
    ]);
  });

  test("a name is claimed as a route is", () => {
    start("order", "A");
    loaded("order", "A");
    settle();
    start("cart", "A");
    const forged = testRegistry({ package: "order.v1", process: "cart", services: { S: { Do: {} } } });
    readings.set("cart A", readContract("cart", "A", forged));
    expect(reports()[0]).toBe("cart A refused it claims order.v1.S; order serves order.v1.S already");
  });

  test.each([
    ["the older", ["cart", "order"]],
    ["the younger", ["order", "cart"]],
  ])("the older instance decides when %s is loaded first", (_name, order) => {
    start("cart", "A");
    start("order", "A");
    for (const service of order) {
      loaded(service, "A", "/x");
      settle();
      nowMs += settleMs / 4;
    }
    expect(served()).toEqual(["cart A"]);
  });

  test("after a while who is served stays, though an older instance turns up", () => {
    start("cart", "A");
    start("order", "A");
    loaded("order", "A", "/x");
    settle();
    nowMs += settleMs;
    loaded("cart", "A", "/x");
    expect(served()).toEqual(["order A"]);
  });

  test("a claim is kept through new versions, though the other waits for it", () => {
    start("order", "A");
    loaded("order", "A", "/x");
    settle();
    nowMs += settleMs;
    start("cart", "A");
    loaded("cart", "A", "/x");
    settle();
    start("order", "B");
    loaded("order", "B", "/x", "/y");
    expect(served()).toEqual(["order B"]);
  });

  test("a claim that is given up is free for who waits", () => {
    start("order", "A");
    loaded("order", "A", "/x");
    settle();
    start("cart", "A");
    loaded("cart", "A", "/x");
    expect(served()).toEqual(["order A"]);
    start("order", "B");
    loaded("order", "B", "/y");
    expect(served()).toEqual(["cart A", "order B"]);
  });

  test("who yields goes back to what it served before", () => {
    start("order", "A");
    loaded("order", "A", "/y");
    settle();
    nowMs += settleMs;
    start("cart", "A");
    start("order", "B");
    loaded("order", "B", "/x", "/y");
    expect(served()).toEqual(["order B"]);
    loaded("cart", "A", "/x");
    expect(served()).toEqual(["cart A", "order A"]);
  });

  test("the gateway's own is nobody else's", () => {
    start("order", "A");
    loaded("order", "A", "/own");
    expect(reports()).toEqual([expect.stringMatching(/refused it claims GET \/own .* gateway's own/)]);
  });
});

describe("the record", () => {
  beforeEach(() => {
    state = make();
  });
  const since = newId(1_600_000_000_000);

  test("is waited for, and has the first word", () => {
    start("cart", "A");
    loaded("cart", "A", "/x");
    expect(settle()).toMatchObject({ served: [], isComplete: false });
    state.restore([{ service: "order", hash: "A", since }]);
    expect(settle()).toMatchObject({ served: [], isComplete: false });
    expect(wanted).toContain("order A");
    loaded("order", "A", "/x");
    expect(served()).toEqual(["order A"]);
    expect(state.recordable()).toEqual([]);
  });

  test("is not waited for too long, and is of use when it comes later", () => {
    start("cart", "A");
    loaded("cart", "A", "/x");
    state.waitNoLonger();
    expect(served()).toEqual(["cart A"]);
    state.restore([
      { service: "order", hash: "A", since },
      { service: "cart", hash: "B", since },
    ]);
    loaded("order", "A", "/y");
    expect(served()).toEqual(["cart A", "order A"]);
  });

  test("holds nobody up with what is nowhere to be found, or is refused now", () => {
    state.restore([
      { service: "order", hash: "A", since },
      { service: "user", hash: "A", since },
    ]);
    settle();
    troubles.set("order A", "nobody has published it");
    loaded("user", "A", "/health");
    expect(settle()).toMatchObject({ served: [], isComplete: true });
    settle();
    expect(wanted).toEqual([]);
  });

  test("is to have what is served and runs, with the oldest instance that did", () => {
    const first = start("order", "A");
    start("order", "A");
    loaded("order", "A");
    state.restore([]);
    settle();
    expect(state.recordable()).toEqual([{ service: "order", hash: "A", since: first.id }]);
  });
});

test("gateways that hear of contracts in different orders end up alike, and no claim is held twice", () => {
  const claims = fc.uniqueArray(fc.constantFrom("/a", "/b", "/c", "/d"), { minLength: 1, maxLength: 3 });
  const names = ["s0", "s1", "s2", "s3", "s4", "s5"];
  const ordered = (order: readonly string[], paths: readonly string[][]) => {
    readings.clear();
    state = make();
    state.restore([]);
    for (const name of order) {
      loaded(name, "A", ...(paths[names.indexOf(name)] ?? []));
      settle();
      nowMs += 100;
    }
    return settle().served;
  };
  for (const name of names) start(name, "A");
  const order = fc.shuffledSubarray(names, { minLength: names.length });
  const sets = fc.array(claims, { minLength: 6, maxLength: 6 });
  fc.assert(
    fc.property(order, order, sets, (one, two, paths) => {
      const first = ordered(one, paths);
      const second = ordered(two, paths);
      expect(second.map(({ service }) => service)).toEqual(first.map(({ service }) => service));
      const taken = first.flatMap(({ bindings }) => bindings.map((it) => it.template.text));
      expect(new Set(taken).size).toBe(taken.length);
      expect(first.map(({ service }) => service)).toContain("s0");
    }),
    { numRuns: 60 },
  );
});

test("the gateway's own announcement is no service", () => {
  start("gateway", "A");
  loaded("gateway", "A", "/x");
  expect(settle()).toMatchObject({ served: [], reports: [] });
});

test("services are bounded in number: who is gone makes room, and the youngest wait", () => {
  const all = Array.from({ length: mostServices + 2 }, (_, i) => `s${i}`);
  for (const name of all) loaded(name, "A");
  const first = start("s0", "A");
  for (const name of all.slice(1)) start(name, "A");
  expect(served()).toHaveLength(mostServices);
  expect(served()).not.toContain("s201 A");
  stop(first);
  expect(served()).toHaveLength(mostServices);
  expect(served()).not.toContain("s0 A");
});
