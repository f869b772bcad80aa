import { beforeEach, describe, expect, test } from "vitest";
import type { Perishable } from "./token-cache.ts";
import { createTokenCache } from "./token-cache.ts";

let now = 0;
let fetched: string[] = [];
let fails = false;
let hold: Promise<void> | undefined;
const lifetimeMs = 100_000;
const fetch = async (name: string): Promise<Perishable> => {
  fetched.push(name);
  const value = `${name}#${fetched.length}`;
  await hold;
  if (fails) throw new Error("issuer away");
  return { value, expiresMs: now + lifetimeMs };
};
const settled = () => new Promise((resolve) => setImmediate(resolve));
let token: (name: string) => Promise<string>;
beforeEach(() => {
  now = 1_000_000;
  fetched = [];
  fails = false;
  hold = undefined;
  const cache = createTokenCache(fetch, { now: () => now, size: 3 });
  token = async (name) => cache(name);
});

test("one fetch serves all who want a token at the same time, and after", async () => {
  const tokens = await Promise.all([token("a"), token("a"), token("a")]);
  expect(tokens).toEqual(["a#1", "a#1", "a#1"]);
  expect(await token("a")).toBe("a#1");
  expect(fetched).toEqual(["a"]);
});

describe("renewal", () => {
  test("happens ahead of time, and nobody waits for it", async () => {
    await token("a");
    now += lifetimeMs * 0.79;
    await token("a");
    expect(fetched).toHaveLength(1);
    now += lifetimeMs * 0.02;
    const release = Promise.withResolvers<void>();
    hold = release.promise;
    expect(await Promise.all([token("a"), token("a")])).toEqual(["a#1", "a#1"]);
    expect(fetched).toHaveLength(2);
    release.resolve();
    await settled();
    expect(await token("a")).toBe("a#2");
  });

  test("that fails leaves the old token in use to its end, and is tried again now and then", async () => {
    await token("a");
    now += lifetimeMs * 0.9;
    fails = true;
    for (let i = 0; i < 50; i++) {
      expect(await token("a")).toBe("a#1");
      await settled();
    }
    expect(fetched).toHaveLength(2);
    now += 1000;
    await token("a");
    expect(fetched).toHaveLength(3);
    await settled();
    now += lifetimeMs * 0.1;
    await expect(token("a")).rejects.toThrow("issuer away");
    fails = false;
    expect(await token("a")).toBe("a#5");
  });
});

test("an expired token is not given out", async () => {
  await token("a");
  now += lifetimeMs;
  expect(await token("a")).toBe("a#2");
});

test("a failed first fetch fails those who waited, and only those", async () => {
  fails = true;
  const outcomes = await Promise.allSettled([token("a"), token("a")]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(fetched).toHaveLength(1);
  fails = false;
  expect(await token("a")).toBe("a#2");
});

describe("of the many names", () => {
  test("the oldest is forgotten first", async () => {
    for (const name of ["a", "b", "c", "d"]) await token(name);
    fetched = [];
    for (const name of ["b", "c", "d"]) await token(name);
    expect(fetched).toEqual([]);
    await token("a");
    expect(fetched).toEqual(["a"]);
  });
  test("renewing one pushes no other out", async () => {
    for (const name of ["a", "b", "c"]) await token(name);
    now += lifetimeMs * 0.9;
    await token("c");
    await settled();
    expect(await token("c")).toBe("c#4");
    expect(await token("a")).toBe("a#1");
  });
});
