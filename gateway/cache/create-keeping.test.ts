import { expect, test } from "vitest";
import type { Keeping } from "../edge/keeping.ts";
import { createCache } from "./caching.ts";
import { createKeeping } from "./create-keeping.ts";
import { bytesOf, callOf, exchangeOf, fieldOf, kept, policy, quiet, routeOf } from "./testing/asking.ts";
import { toldEvents } from "./testing/told-events.ts";

const caching = {
  ...createCache({ maxBytes: 100_000, invalidation: toldEvents().invalidation, log: quiet }),
  close() {},
};
const keyed: string[] = [];
const idempotency = {
  keeping: ((_exchange, route, _call, _message, produce) => {
    if (route.keyed) keyed.push(route.method.name);
    return produce();
  }) satisfies Keeping,
  close() {},
};
const keeping = createKeeping({ caching, idempotency });
const message = bytesOf("1");

test("a route with neither gets what is produced, and nothing around it", () => {
  const produced = Promise.resolve(kept("{}"));
  const given = keeping(exchangeOf("GET"), routeOf(), callOf(), message, () => produced);
  expect(given).toBe(produced);
});

test("reading goes by the cache; writing by the key", async () => {
  const cache = policy();
  const read = routeOf({ name: "read", isPublic: true, cache });
  const write = routeOf({ name: "write", isPublic: true, keyed: true });
  const produce = async () => kept("{}");
  await keeping(exchangeOf("GET"), read, callOf(), message, produce);
  expect(fieldOf(await keeping(exchangeOf("GET"), read, callOf(), message, produce), "x-cache")).toBe("HIT");
  await keeping(exchangeOf("POST", { "idempotency-key": "k" }), write, callOf(), message, produce);
  expect(keyed).toEqual(["write"]);
});

test("either may be missing", async () => {
  const produce = async () => kept("{}");
  const none = createKeeping({});
  expect((await none(exchangeOf("GET"), routeOf({ cache: policy() }), callOf(), message, produce)).data).toBe(
    "{}",
  );
});
