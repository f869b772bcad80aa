import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Nats } from "#mesh";
import { connectNats } from "#mesh";
import { eventSubject } from "#mesh/events/contract/subject.ts";
import type { NatsServer } from "#mesh/testing/nats-server.ts";
import { startNatsServer } from "#mesh/testing/nats-server.ts";
import type { Kept } from "../edge/keeping.ts";
import { keepNothing } from "../edge/keeping.ts";
import { createCaching } from "./caching.ts";
import type { Hearing } from "./hearing.ts";
import { openInvalidation } from "./invalidation.ts";
import { bytesOf, callOf, exchangeOf, fieldOf, kept, policy, quiet, routeOf } from "./testing/asking.ts";

let server: NatsServer;
let nats: Nats;
let publisher: Nats;
const connect = () => connectNats({ url: server.url, name: "test", log: quiet, waitMs: 10_000 });

beforeAll(async () => {
  server = await startNatsServer();
  nats = await connect();
  publisher = await connect();
});
afterAll(async () => {
  await Promise.all([nats.close(), publisher.close()]);
  await server.stop();
});

const until = (holds: () => void) => vi.waitFor(holds, { timeout: 10_000, interval: 5 });
const live = (hearing: Hearing | undefined) => until(() => expect(hearing?.isLive()).toBe(true));
const publish = async (subject: string) => {
  publisher.connection.publish(eventSubject(subject), "{}");
  await publisher.connection.flush();
};

describe("events", () => {
  test("are counted for each who named their subject, or a pattern of it", async () => {
    const invalidation = openInvalidation({ nats, log: quiet });
    const created = invalidation.hear(["order.created"]);
    const any = invalidation.hear(["order.*", "user.created"]);
    expect(created?.isLive()).toBe(false);
    await Promise.all([live(created), live(any)]);
    await publish("order.created");
    await publish("order.paid");
    await publish("payment.paid");
    await until(() => expect([created?.events(), any?.events()]).toEqual([1, 2]));
    invalidation.close();
  });

  test("that can be none are not listened to, and do not harm the connection", async () => {
    const invalidation = openInvalidation({ nats, log: quiet });
    expect(invalidation.hear(["order.created", "a b\r\n"])).toBeUndefined();
    expect(invalidation.hear(Array.from({ length: 2000 }, (_, i) => `s${i}`))).toBeUndefined();
    await nats.connection.flush();
    invalidation.close();
  });

  test("that passed while the broker was away are counted as a gap", async () => {
    const invalidation = openInvalidation({ nats, log: quiet });
    const hearing = invalidation.hear(["order.created"]);
    await live(hearing);
    const before = hearing?.gaps() ?? 0;
    await server.crash();
    await until(() => expect(hearing?.isLive()).toBe(false));
    expect(hearing?.gaps()).toBeGreaterThan(before);
    const meanwhile = invalidation.hear(["user.created"]);
    await server.restart();
    await Promise.all([live(hearing), live(meanwhile)]);
    await until(() => expect(publisher.connected()).toBe(true));
    await publish("order.created");
    await publish("user.created");
    await until(() => expect([hearing?.events(), meanwhile?.events()]).toEqual([1, 1]));
    invalidation.close();
  });
});

describe("an answer that an event ends", () => {
  let asked = 0;
  const produce = async () => kept(`${++asked}`);
  const route = routeOf({ isPublic: true, cache: policy({ invalidatedBy: ["book.changed"] }) });

  test("is kept until then, and through no outage of the broker", async () => {
    const caching = createCaching({ maxBytes: 100_000, nats, log: quiet });
    const keeping = caching.keeping(keepNothing);
    const ask = async () => {
      const given: Kept = await keeping(exchangeOf("GET"), route, callOf(), bytesOf("1"), produce);
      return `${fieldOf(given, "x-cache")} ${given.data}`;
    };
    const settle = () =>
      vi.waitFor(async () => expect(await ask()).toMatch(/^HIT/), { timeout: 10_000, interval: 5 });
    await settle();
    const first = asked;
    await publish("book.changed");
    await vi.waitFor(async () => expect(await ask()).toBe(`MISS ${first + 1}`), {
      timeout: 5000,
      interval: 5,
    });
    expect(await ask()).toBe(`HIT ${first + 1}`);
    await server.crash();
    await until(() => expect(nats.connected()).toBe(false));
    expect([await ask(), await ask()]).toEqual([`MISS ${first + 2}`, `MISS ${first + 3}`]);
    await server.restart();
    await settle();
    expect(asked).toBeGreaterThan(first + 3);
    caching.close();
  });
});
