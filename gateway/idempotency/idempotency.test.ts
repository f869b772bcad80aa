import { Code } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { Nats } from "#mesh";
import { connectNats, fail, reasonOf } from "#mesh";
import { toWireError } from "#mesh/errors.ts";
import type { NatsServer } from "#mesh/testing/nats-server.ts";
import { startNatsServer } from "#mesh/testing/nats-server.ts";
import type { TestRoute } from "../cache/testing/asking.ts";
import { bytesOf, callOf, exchangeOf, fieldOf, kept, quiet, routeOf, user } from "../cache/testing/asking.ts";
import { failureOf } from "../edge/failure.ts";
import type { Kept } from "../edge/keeping.ts";
import type { Idempotency } from "./idempotency.ts";
import { createIdempotency } from "./idempotency.ts";
import { idempotencyPolicy } from "./idempotency-policy.ts";

let server: NatsServer;
const connections: Nats[] = [];
const gateways: Idempotency[] = [];
let gateway: Idempotency;
let keys = 0;
let asked = 0;
let nowMs = 1_000_000;

const connect = async () => {
  const nats = await connectNats({ url: server.url, name: "test", log: quiet, waitMs: 10_000 });
  connections.push(nats);
  return nats;
};
const open = (nats: Nats, now = () => nowMs) => {
  const opened = createIdempotency({
    nats,
    log: quiet,
    ttlMs: 3_600_000,
    bucketBytes: 64 * 1024 * 1024,
    now,
  });
  gateways.push(opened);
  return opened;
};

beforeAll(async () => {
  server = await startNatsServer();
  gateway = open(await connect());
});
afterEach(() => {
  asked = 0;
});
afterAll(async () => {
  for (const it of gateways) it.close();
  await Promise.all(connections.map((it) => it.close()));
  await server.stop();
});

const newKey = () => `key-${++keys}`;
const pay = (more: TestRoute = {}) =>
  routeOf({
    name: "payment.v1.PaymentService/Pay",
    verb: "POST",
    path: "/v1/payments",
    keyed: true,
    reads: false,
    ...more,
  });
const route = pay();
const next = async () => kept(`{"n":${++asked}}`, ["location", "/v1/payments/1"]);
const failing = (error: Error) => async (): Promise<Kept> => {
  asked++;
  throw error;
};

interface Sending {
  at?: Idempotency;
  key?: string;
  verb?: string;
  route?: ReturnType<typeof routeOf>;
  who?: ReturnType<typeof user> | undefined;
  userToken?: string;
  client?: string;
  payload?: string;
  produce?: () => Promise<Kept>;
}
const ada = user("ada");
const send = async (sending: Sending = {}): Promise<Kept> => {
  const { at = gateway, key, verb = "POST", payload = "10 euros", produce = next, client } = sending;
  const headers = key === undefined ? {} : { "idempotency-key": key };
  const who = "who" in sending ? sending.who : ada;
  const call = callOf(who, sending.userToken === undefined ? {} : { userToken: sending.userToken });
  return at.keeping(
    exchangeOf(verb, headers, client),
    sending.route ?? route,
    call,
    bytesOf(payload),
    produce,
  );
};
const refusal = async (sending: Promise<Kept>) => {
  try {
    await sending;
  } catch (error) {
    const { reason, status, retryAfterSeconds } = failureOf(toWireError(error), "payment");
    return { reason, status, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
  }
  throw new Error("it was not refused");
};

describe("a request with a key", () => {
  test("is executed once, and repeated it gets the same answer", async () => {
    const key = newKey();
    expect(await send({ key })).toEqual(await next().then((it) => ({ ...it, data: '{"n":1}' })));
    asked = 1;
    const again = await send({ key });
    expect(again).toEqual({
      status: 200,
      data: '{"n":1}',
      header: ["location", "/v1/payments/1", "idempotent-replayed", "true"],
    });
    expect(asked).toBe(1);
  });

  test("keeps its answer to the letter", async () => {
    const key = newKey();
    const data = JSON.stringify({ text: "ä\n€ 😀 \u2028", long: "y".repeat(100_000) });
    await send({ key, produce: async () => kept(data) });
    expect((await send({ key })).data).toBe(data);
  });

  test("that comes again while it is being answered is told to wait", async () => {
    const key = newKey();
    const slow = Promise.withResolvers<Kept>();
    const first = send({ key, produce: () => slow.promise });
    await vi.waitFor(async () =>
      expect(await refusal(send({ key, produce: () => slow.promise }))).toEqual({
        reason: "idempotency_in_flight",
        status: 409,
        retryAfterSeconds: 1,
      }),
    );
    slow.resolve(kept('"one"'));
    await first;
    expect((await send({ key })).data).toBe('"one"');
  });

  test("and another payload is refused, before and after it is answered", async () => {
    const key = newKey();
    const slow = Promise.withResolvers<Kept>();
    const first = send({ key, produce: () => slow.promise });
    const other = () => refusal(send({ key, payload: "99 euros" }));
    await vi.waitFor(async () => expect((await refusal(send({ key }))).status).toBe(409));
    expect(await other()).toEqual({ reason: "idempotency_key_reused", status: 422 });
    slow.resolve(kept("{}"));
    await first;
    expect(await other()).toEqual({ reason: "idempotency_key_reused", status: 422 });
    const elsewhere = pay({ path: "/v1/other-binding" });
    expect((await refusal(send({ key, route: elsewhere }))).reason).toBe("idempotency_key_reused");
    expect(asked).toBe(0);
  });

  test("whose answer is too large to be stored is still not executed again", async () => {
    const key = newKey();
    const large = `"${"x".repeat(idempotencyPolicy.answerBytes)}"`;
    expect((await send({ key, produce: async () => kept(large) })).data).toBe(large);
    expect(await refusal(send({ key }))).toEqual({ reason: "idempotency_answer_too_large", status: 409 });
    expect(asked).toBe(0);
  });

  test("of one who has sent very many is refused, and those of others are not", async () => {
    const small = createIdempotency({
      nats: await connect(),
      log: quiet,
      ttlMs: 3_600_000,
      bucketBytes: 1e6,
    });
    gateways.push(small);
    const who = user("busy");
    const long = `"${"x".repeat(10_000)}"`;
    const sent = [newKey(), newKey()];
    for (const key of sent) await send({ at: small, who, key, produce: async () => kept(long) });
    expect(await refusal(send({ at: small, who, key: newKey() }))).toEqual({
      reason: "idempotency_share_used_up",
      status: 429,
      retryAfterSeconds: 60,
    });
    expect(asked).toBe(0);
    for (const key of sent) expect((await send({ at: small, who, key })).data).toBe(long);
    expect((await send({ at: small, key: newKey() })).data).toBe('{"n":1}');
    await send({ at: small, who, route: pay({ keepsKeys: true }), key: newKey() });
    expect(asked).toBe(2);
  });

  test.each(["", " ", "a b", "a\tb", "ü", "x".repeat(256), "one, two"])(
    "%j is refused for its key",
    async (key) => {
      expect(await refusal(send({ key }))).toEqual({ reason: "idempotency_key_invalid", status: 400 });
    },
  );

  test.each(["x", '"8e03978e-40d5-43e8-bc93-6894a57f9324"', "!~", "x".repeat(255)])(
    "%j is fine",
    async (key) => {
      expect((await send({ key })).data).toBe('{"n":1}');
    },
  );

  test.each([
    ["without a key", {}],
    ["whose method may be repeated", { key: "k", route: pay({ keyed: false }) }],
    ["that reads", { key: "k", verb: "GET" }],
    ["whose service keeps keys itself", { key: "k", route: pay({ keepsKeys: true }) }],
    ["for services alone, who dedupe themselves", { key: "k", route: pay({ forServices: true }) }],
  ])("%s is none", async (_, sending: Sending) => {
    await send(sending);
    expect((await send(sending)).data).toBe('{"n":2}');
  });
});

describe("keys of one are not those of another:", () => {
  const key = "guessed";
  test.each([
    ["another user", { who: user("bob") }],
    ["nobody", { who: undefined }],
    ["nobody, from another address", { who: undefined, client: "192.0.2.9" }],
    ["one with a token that nobody believed", { who: undefined, userToken: "t1" }],
    ["one with another such token", { who: undefined, userToken: "t2" }],
    ["a user whose id looks like an address", { who: user("192.0.2.1") }],
    ["the same for another method", { route: pay({ name: "payment.v1.PaymentService/Refund" }) }],
  ])("%s", async (name, sending: Sending) => {
    await send({ key, produce: async () => kept('"of ada"') });
    const mine = await send({ ...sending, key, produce: async () => kept(JSON.stringify(name)) });
    expect([mine.data, fieldOf(mine, "idempotent-replayed")]).toEqual([JSON.stringify(name), undefined]);
    expect(fieldOf(await send({ ...sending, key }), "idempotent-replayed")).toBe("true");
  });

  test("and who can read the store reads neither keys nor answers", async () => {
    // Long enough to stand nowhere by chance: sealed answers are any bytes.
    const [it, who] = ["key-of-somebody", "somebody-who-pays"];
    await send({ key: it, who: user(who), produce: async () => kept('"a secret token"') });
    const bucket = await connections[0]!.bucket(idempotencyPolicy.bucket);
    let all = "";
    for await (const name of await bucket.keys()) all += name + (await bucket.get(name))?.string();
    expect(all).toContain("done");
    for (const word of ["secret token", it, who, "10 euros"]) expect(all).not.toContain(word);
  });
});

describe("after a failure", () => {
  test.each([
    ["malformed", fail.invalid("bad_page_token", "no")],
    ["against its contract", fail.invalid("contract_violation", "no")],
    ["not signed in", fail.unauthenticated("credentials_required", "no")],
    ["not allowed", fail.denied("permission_missing", "no")],
    ["not found", fail.notFound("order_not_found", "no")],
    ["too many", fail.exhausted("rate_limited", "no")],
    ["overtaken by another change", fail.aborted("changed_meanwhile", "no")],
    ["nobody there", fail.unavailable("no_instance", "no")],
    ["connection lost", fail.unavailable("connection_lost", "no")],
    ["too slow", fail.deadline("deadline_exceeded", "no")],
    ["internal error", fail.internal("internal", "no")],
    ["client gone", fail.canceled("canceled", "no")],
  ])("(%s) the key is free: also for the request as it is corrected", async (_, error) => {
    const key = newKey();
    await expect(send({ key, produce: failing(error) })).rejects.toBe(error);
    expect((await send({ key, payload: "corrected" })).data).toBe('{"n":2}');
    expect((await send({ key, payload: "corrected" })).data).toBe('{"n":2}');
    expect(asked).toBe(2);
  });

  test.each([
    [
      "declined",
      fail.precondition("card_declined", "the card was declined", {
        metadata: { code: "51" },
        remedy: "use another",
      }),
    ],
    ["there already", fail.alreadyExists("name_taken", "this name is taken")],
  ])("(%s) that is the service's last word, it is said again", async (_, error) => {
    const key = newKey();
    await expect(send({ key, produce: failing(error) })).rejects.toBe(error);
    const again = await send({ key }).then(
      () => undefined,
      (thrown: unknown) => toWireError(thrown),
    );
    expect(again?.rawMessage).toBe(error.rawMessage);
    expect([reasonOf(again), Code[again?.code ?? 0]]).toEqual([error.reason, Code[error.code]]);
    expect(failureOf(again!, "payment")).toEqual(failureOf(error, "payment"));
    expect(asked).toBe(1);
  });
});

describe("two gateways", () => {
  test("execute a request once, however many come at both at once", async () => {
    const other = open(await connect());
    for (let round = 0; round < 10; round++) {
      const key = newKey();
      let executed = 0;
      const produce = async () => {
        executed++;
        await new Promise((resolve) => setTimeout(resolve, 5));
        return kept('"paid"');
      };
      const all = await Promise.allSettled(
        Array.from({ length: 8 }, (_, i) => send({ key, at: i % 2 === 0 ? gateway : other, produce })),
      );
      expect(executed).toBe(1);
      for (const it of all) {
        if (it.status === "fulfilled") expect(it.value.data).toBe('"paid"');
        else expect(reasonOf(it.reason)).toBe("idempotency_in_flight");
      }
      expect(all.some(({ status }) => status === "fulfilled")).toBe(true);
      expect((await send({ key, at: other })).data).toBe('"paid"');
    }
  });

  test("of which one died: the other takes over when its time is over, one alone, with the same payload", async () => {
    const key = newKey();
    const other = open(await connect());
    const third = open(await connect());
    const never = new Promise<Kept>(() => {});
    void send({ key, produce: () => never });
    await vi.waitFor(async () =>
      expect((await refusal(send({ key, at: other, produce: () => never }))).status).toBe(409),
    );
    nowMs += 30_000 + idempotencyPolicy.marginMs - 1;
    expect((await refusal(send({ key, at: other }))).reason).toBe("idempotency_in_flight");
    nowMs += 1;
    expect((await refusal(send({ key, at: other, payload: "99 euros" }))).status).toBe(422);
    let executed = 0;
    const produce = async () => {
      executed++;
      return kept('"later"');
    };
    const both = [send({ key, at: other, produce }), send({ key, at: third, produce })];
    await Promise.allSettled(both);
    expect(executed).toBe(1);
    expect((await send({ key })).data).toBe('"later"');
  });

  test("of which one was overtaken: it does not replace what the other stored", async () => {
    const key = newKey();
    const other = open(await connect());
    const slow = Promise.withResolvers<Kept>();
    const first = send({ key, produce: () => slow.promise });
    await vi.waitFor(async () =>
      expect((await refusal(send({ key, at: other, produce: () => slow.promise }))).status).toBe(409),
    );
    nowMs += 30_000 + idempotencyPolicy.marginMs;
    await send({ key, at: other, produce: async () => kept('"other"') });
    slow.resolve(kept('"first"'));
    expect((await first).data).toBe('"first"');
    expect((await send({ key })).data).toBe('"other"');
  });
});

test("what somebody else wrote in the store is not believed", async () => {
  const key = newKey();
  await send({ key });
  const bucket = await connections[0]!.bucket(idempotencyPolicy.bucket);
  const mine: string[] = [];
  for await (const name of await bucket.keys()) mine.push(name);
  for (const garbage of ["", "{", "null\n", '{"is":"done","print":1}\n', '{"is":"begun","print":"x"}\n']) {
    for (const name of mine) await bucket.put(name, garbage);
    expect(await refusal(send({ key }))).toEqual({
      reason: "idempotency_unavailable",
      status: 503,
      retryAfterSeconds: 1,
    });
  }
  for (const name of mine) await bucket.purge(name);
});

test("a bucket that was made with another time gets the one that is set", async () => {
  const nats = await connect();
  const longer = createIdempotency({ nats, log: quiet, ttlMs: 7_200_000 });
  gateways.push(longer);
  await send({ at: longer, key: newKey() });
  const bucket = await nats.bucket(idempotencyPolicy.bucket);
  expect((await bucket.status()).ttl).toBe(7_200_000);
});
