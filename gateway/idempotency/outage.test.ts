import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Nats } from "#mesh";
import { connectNats, reasonOf } from "#mesh";
import type { NatsServer } from "#mesh/testing/nats-server.ts";
import { startNatsServer } from "#mesh/testing/nats-server.ts";
import { bytesOf, callOf, exchangeOf, kept, quiet, routeOf, user } from "../cache/testing/asking.ts";
import type { Kept } from "../edge/keeping.ts";
import type { Idempotency } from "./idempotency.ts";
import { createIdempotency } from "./idempotency.ts";

let server: NatsServer;
let nats: Nats;
let gateway: Idempotency;
let executed: number;

beforeEach(async () => {
  executed = 0;
  server = await startNatsServer();
  nats = await connectNats({ url: server.url, name: "test", log: quiet, waitMs: 10_000 });
  gateway = createIdempotency({ nats, log: quiet, ttlMs: 3_600_000, bucketBytes: 16 * 1024 * 1024 });
});
afterEach(async () => {
  gateway.close();
  await nats.close();
  await server.stop();
});

const route = routeOf({ verb: "POST", keyed: true, reads: false });
const send = async (key: string, produce: () => Promise<Kept> = next) =>
  gateway.keeping(
    exchangeOf("POST", { "idempotency-key": key }),
    route,
    callOf(user("ada")),
    bytesOf("10"),
    produce,
  );
const next = async () => kept(`{"n":${++executed}}`);
const reason = (sent: Promise<Kept>) => sent.then(() => "answered", reasonOf);
const patiently = <T>(attempt: () => Promise<T>) => vi.waitFor(attempt, { timeout: 15_000, interval: 50 });

const crash = async () => {
  await server.crash();
  await patiently(async () => expect(nats.connected()).toBe(false));
};

test("with the broker away nothing is executed, and it goes on when it is back, with what was stored", async () => {
  await send("before");
  await crash();
  expect(await reason(send("during"))).toBe("idempotency_unavailable");
  expect(await reason(send("before"))).toBe("idempotency_unavailable");
  expect(executed).toBe(1);
  await server.restart();
  expect((await patiently(() => send("before"))).data).toBe('{"n":1}');
  expect((await patiently(() => send("during"))).data).toBe('{"n":2}');
});

test("an answer that comes while the broker is away is given, and stored when it is back", async () => {
  const slow = Promise.withResolvers<Kept>();
  const started = Promise.withResolvers<void>();
  const first = send("k", () => {
    started.resolve();
    return slow.promise;
  });
  await started.promise;
  await crash();
  slow.resolve(kept('"paid"'));
  expect((await first).data).toBe('"paid"');
  await server.restart();
  const again = await patiently(() => send("k"));
  expect([again.data, executed]).toEqual(['"paid"', 0]);
});

test("a key that is free again while the broker is away is free when it is back", async () => {
  const slow = Promise.withResolvers<Kept>();
  const started = Promise.withResolvers<void>();
  const first = send("k", () => {
    started.resolve();
    return slow.promise;
  });
  await started.promise;
  await crash();
  slow.reject(new Error("the service broke"));
  await expect(first).rejects.toThrow("the service broke");
  await server.restart();
  expect((await patiently(() => send("k"))).data).toBe('{"n":1}');
});

test("a broker that lost all it had is used again", async () => {
  await send("before");
  await crash();
  await server.restart({ empty: true });
  expect((await patiently(() => send("k"))).data).toBe('{"n":2}');
  expect((await send("k")).data).toBe('{"n":2}');
});

test("a request that the broker took in but did not confirm is not executed, and does not block its key", async () => {
  const unconfirmed: Nats = {
    ...nats,
    bucket: async (name, options) => {
      const bucket = await nats.bucket(name, options);
      const create = bucket.create.bind(bucket);
      let first = true;
      return Object.assign(bucket, {
        create: async (...given: Parameters<typeof create>) => {
          const revision = await create(...given);
          if (!first) return revision;
          first = false;
          throw new Error("timeout");
        },
      });
    },
  };
  const other = createIdempotency({ nats: unconfirmed, log: quiet, ttlMs: 3_600_000 });
  const call = callOf(user("ada"));
  const exchange = exchangeOf("POST", { "idempotency-key": "k" });
  const refused = async () => other.keeping(exchange, route, call, bytesOf("10"), next);
  expect(await reason(refused())).toBe("idempotency_unavailable");
  expect(await reason(send("k"))).toBe("idempotency_in_flight");
  expect((await patiently(() => send("k"))).data).toBe('{"n":1}');
  other.close();
});
