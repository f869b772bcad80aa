import { setTimeout as sleep } from "node:timers/promises";
import { ViolationsSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, describe, expect, test } from "vitest";
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.js";
import type { Call } from "../call/call.ts";
import { currentCall } from "../call/call.ts";
import { fail, reasonOf } from "../errors.ts";
import type { Rpc } from "../testing/rpc.ts";
import { openRpc } from "../testing/rpc.ts";
import type { Credentials } from "./authenticate.ts";

const opened: Rpc[] = [];
afterEach(async () => {
  for (const rpc of opened.splice(0)) await rpc[Symbol.asyncDispose]();
});
const open = async (...options: Parameters<typeof openRpc>) => {
  const rpc = await openRpc(...options);
  opened.push(rpc);
  return rpc;
};

const failure = (work: Promise<unknown>): Promise<ConnectError> =>
  work.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => ConnectError.from(error),
  );
async function drain(stream: AsyncIterable<unknown>) {
  for await (const _ of stream);
}
async function* requests(...texts: string[]) {
  for (const text of texts) yield { text };
}
async function* endless() {
  for (;;) {
    yield { number: 1n };
    await sleep(5);
  }
}
/** The client library hangs up on a stream only when its signal says so, not when its reader leaves. */
async function leave(client: ReturnType<Rpc["client"]>) {
  const controller = new AbortController();
  for await (const { number } of client.count({ number: 100_000n }, { signal: controller.signal })) {
    if (number !== 2n) continue;
    controller.abort();
    return;
  }
}
const protocols = ["connect", "grpc", "grpc-web"] as const;

describe.each(protocols)("over %s", (protocol) => {
  test("a call in each shape is answered", async () => {
    const client = (await open()).client(protocol);
    expect((await client.echo({ text: "hi", number: 2n ** 62n })).number).toBe(2n ** 62n);
    const counted: bigint[] = [];
    for await (const { number } of client.count({ number: 3n })) counted.push(number);
    expect(counted).toEqual([1n, 2n, 3n]);
    async function* numbers() {
      yield { number: 2n };
      yield { number: 40n };
    }
    expect((await client.sum(numbers())).number).toBe(42n);
    const heard: string[] = [];
    for await (const { text } of client.chat(requests("a", "b"))) heard.push(text);
    expect(heard).toEqual(["heard a", "heard b"]);
  });

  test("an error carries its reason, a foreign one nothing", async () => {
    const client = (await open()).client(protocol);
    const refused = await failure(client.refuse({}));
    expect([refused.code, refused.rawMessage]).toEqual([Code.NotFound, "no note has this text"]);
    expect(refused.findDetails(ErrorInfoSchema)[0]).toMatchObject({
      reason: "note_not_found",
      metadata: { text: "none" },
    });
    const broken = await failure(client.break({}));
    expect(broken.code).toBe(Code.Internal);
    expect(broken.rawMessage).not.toContain("hunter2");
    expect(reasonOf(broken)).toBe("internal");
  });

  test("a contract violation names field, rule and message, in requests of streams too", async () => {
    const client = (await open()).client(protocol);
    const long = "x".repeat(101);
    const calls = [
      () => client.echo({ text: long }),
      () => drain(client.chat(requests("ok", long))),
      () => drain(client.count({ text: long })),
    ];
    for (const call of calls) {
      const error = await failure(call());
      expect(error.code).toBe(Code.InvalidArgument);
      expect(error.rawMessage).toMatch(/^text: must be at most 100 characters/);
      expect(error.rawMessage).not.toContain("xxx");
      const [details] = error.findDetails(ViolationsSchema);
      expect(details?.violations[0]).toMatchObject({
        field: { elements: [{ fieldName: "text" }] },
        ruleId: "string.max_len",
        message: expect.stringContaining("at most 100"),
      });
    }
  });
});

describe("a deadline", () => {
  test("is kept even by a handler that does not look at it", async () => {
    const error = await failure((await open()).client().hang({}));
    expect(error.code).toBe(Code.DeadlineExceeded);
    expect(reasonOf(error)).toBe("deadline_exceeded");
  });

  test.each(protocols)("is the shorter of the caller's and the contract's, over %s", async (protocol) => {
    const calls: Call[] = [];
    const rpc = await open({
      hang: (_note, call) => {
        calls.push(call);
        return {};
      },
    });
    const client = rpc.client(protocol);
    for (const timeoutMs of [50, undefined, 60_000])
      await client.hang({}, timeoutMs === undefined ? {} : { timeoutMs });
    const lines = await rpc.calls(3);
    expect(lines.map(({ code }) => code)).toEqual(["ok", "ok", "ok"]);
    const left = calls.map(({ deadline }) => deadline - Date.now());
    expect(left[0]).toBeLessThanOrEqual(50);
    for (const it of left.slice(1)) expect(it).toBeLessThanOrEqual(150);
  });

  test("holds for handlers of every kind that never end", async () => {
    const never = new Promise<never>(() => {});
    const rpc = await open({
      sum: () => never,
      // biome-ignore lint/correctness/useYield: the point is that it yields nothing.
      count: async function* () {
        await never;
      },
      // biome-ignore lint/correctness/useYield: the point is that it yields nothing.
      chat: async function* () {
        await never;
      },
    });
    const client = rpc.client("grpc");
    const options = { timeoutMs: 80 };
    for (const call of [
      client.sum(requests("a"), options),
      drain(client.count({}, options)),
      drain(client.chat(requests("a"), options)),
    ]) {
      expect((await failure(call)).code).toBe(Code.DeadlineExceeded);
    }
  });

  test("is seen as such by the server, not as a mistake, whatever the handler throws on the way down", async () => {
    const rpc = await open({
      hang: (_note, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(new Error("socket closed")), { once: true });
        }),
    });
    await failure(rpc.client().hang({}));
    expect(await rpc.calls()).toMatchObject([
      { level: "info", code: "deadline_exceeded", reason: "deadline_exceeded" },
    ]);
  });

  test("that no timer can hold does not end the call at once", async () => {
    const rpc = await open();
    const json = new TextEncoder().encode("{}");
    const frame = new Uint8Array([0, 0, 0, 0, json.length, ...json]);
    await rpc.send("Wait", { "content-type": "application/json", "connect-timeout-ms": "9999999999" }, json);
    for (const timeout of ["99999999H", "99999999S"]) {
      await rpc.send("Wait", { "content-type": "application/grpc+json", "grpc-timeout": timeout }, frame);
    }
    expect((await rpc.calls(3)).map(({ code }) => code)).toEqual(["ok", "ok", "ok"]);
  });
});

describe("a caller that hangs up", () => {
  test.each(protocols)("cancels the handler over %s, and that is how the call is noted", async (protocol) => {
    const seen = Promise.withResolvers<unknown>();
    const began = Promise.withResolvers<void>();
    const rpc = await open({
      wait: (_note, { signal }) => {
        began.resolve();
        return new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            seen.resolve(signal.reason);
            reject(new Error("query failed"));
          });
        });
      },
    });
    const controller = new AbortController();
    const call = failure(rpc.client(protocol).wait({}, { signal: controller.signal }));
    await began.promise;
    controller.abort();
    expect((await call).code).toBe(Code.Canceled);
    await seen.promise;
    expect(await rpc.calls()).toMatchObject([{ level: "info", code: "canceled" }]);
  });

  test("ends a stream, and the handler's clean-up runs inside the call", async () => {
    const ended = Promise.withResolvers<string | undefined>();
    const rpc = await open({
      count: async function* () {
        try {
          for (let number = 1n; ; number++) {
            yield { number };
            await sleep(1);
          }
        } finally {
          ended.resolve(currentCall()?.method);
        }
      },
    });
    await leave(rpc.client("grpc"));
    expect(await ended.promise).toBe("probe.v1.ProbeService/Count");
    expect(await rpc.calls()).toMatchObject([{ code: "canceled" }]);
  });
});

describe("the call at hand", () => {
  test("is known inside handlers of every kind, at every step, and nowhere else", async () => {
    const seen: (string | undefined)[] = [];
    const look = async (step: string) => {
      await sleep(1);
      seen.push(`${step} ${currentCall()?.requestId}`);
    };
    const rpc = await open({
      echo: async () => {
        await look("echo");
        return {};
      },
      count: async function* () {
        await look("count");
        yield {};
        await look("count");
      },
      sum: async (notes) => {
        for await (const _ of notes) await look("sum");
        return {};
      },
      chat: async function* (notes) {
        for await (const _ of notes) {
          await look("chat");
          yield {};
        }
      },
    });
    const client = rpc.client("grpc");
    const as = (id: string) => ({ headers: { "x-request-id": id } });
    await Promise.all([
      client.echo({}, as("1")),
      client.echo({}, as("2")),
      drain(client.count({}, as("3"))),
      client.sum(requests("a"), as("4")),
      drain(client.chat(requests("a", "b"), as("5"))),
    ]);
    expect(seen.sort()).toEqual(["chat 5", "chat 5", "count 3", "count 3", "echo 1", "echo 2", "sum 4"]);
    expect(currentCall()).toBeUndefined();
  });
});

describe("a service that stops", () => {
  test("ends streams that would go on, as unavailable, and lets the rest finish", async () => {
    const rpc = await open();
    const client = rpc.client("grpc");
    const follow = client.follow({})[Symbol.asyncIterator]();
    await follow.next();
    const rest = [client.wait({}), drain(client.count({ number: 3n }))];
    const upload = client.sum(
      (async function* () {
        yield { number: 1n };
        await sleep(100);
        yield { number: 1n };
      })(),
    );
    await sleep(20);
    rpc.stopping.abort(fail.unavailable("stopping", "stopping"));
    const ended = await failure(Promise.resolve(follow.next()));
    expect([ended.code, reasonOf(ended)]).toEqual([Code.Unavailable, "stopping"]);
    await Promise.all(rest);
    expect((await upload).number).toBe(2n);
  });
});

describe("the ids of a call", () => {
  const idsOf = async (headers: Record<string, string>, method: "echo" | "mine" = "echo") => {
    const rpc = await open({}, async () => {
      if (method === "mine") throw fail.unauthenticated("bad_token", "no");
      return { caller: {}, userToken: "" };
    });
    let answered = new Headers();
    const onHeader = (header: Headers) => {
      answered = header;
    };
    await rpc
      .client()
      [method]({}, { headers, onHeader })
      .catch((error: ConnectError) => onHeader(error.metadata));
    const [line] = await rpc.calls();
    return {
      request: answered.get("x-request-id"),
      correlation: answered.get("x-correlation-id"),
      logged: [line?.requestId, line?.correlationId],
    };
  };

  test("are taken over, answered and logged", async () => {
    expect(await idsOf({ "x-request-id": "req-1", "x-correlation-id": "cor.1:a_b" })).toEqual({
      request: "req-1",
      correlation: "cor.1:a_b",
      logged: ["req-1", "cor.1:a_b"],
    });
  });

  test("are made when there are none; the correlation begins with the request", async () => {
    const { request, correlation, logged } = await idsOf({});
    expect(request).toMatch(/^[0-9a-f-]{36}$/);
    expect(correlation).toBe(request);
    expect(logged).toEqual([request, correlation]);
  });

  test.each(["", "a b", 'a"},{"level":"fatal', "x".repeat(129), "é", "../../etc", "a,b", "<script>"])(
    "are replaced when hostile: %.20j",
    async (hostile) => {
      const { request, correlation } = await idsOf({
        "x-request-id": encodeable(hostile),
        "x-correlation-id": encodeable(hostile),
      });
      expect(request).toMatch(/^[0-9a-f-]{36}$/);
      expect(correlation).toBe(request);
    },
  );

  test("are answered and logged even when the caller is turned away", async () => {
    expect(await idsOf({ "x-request-id": "req-1" }, "mine")).toEqual({
      request: "req-1",
      correlation: "req-1",
      logged: ["req-1", "req-1"],
    });
  });

  const encodeable = (value: string) => Buffer.from(value).toString("latin1");
});

describe("where a call comes from", () => {
  const clientSeen = async (service: string | undefined, headers: Record<string, string>) => {
    let seen: Call["client"] | undefined;
    const credentials: Credentials = {
      caller: service ? { service: { name: service, scopes: [] } } : {},
      userToken: "",
    };
    const rpc = await open(
      {
        echo: (_note, call) => {
          seen = call.client;
          return {};
        },
      },
      async () => credentials,
    );
    await rpc.client().echo({}, { headers });
    return seen;
  };
  const forwarded = {
    "x-forwarded-for": "203.0.113.7, 10.0.0.1",
    "x-forwarded-user-agent": "Firefox",
    "user-agent": "weft",
  };

  test("is believed of the gateway", async () => {
    expect(await clientSeen("gateway", forwarded)).toEqual({ address: "203.0.113.7", userAgent: "Firefox" });
  });
  test.each([undefined, "order"])("is not believed of %s", async (service) => {
    expect(await clientSeen(service, forwarded)).toEqual({ address: "127.0.0.1", userAgent: "weft" });
  });
  test("must be an address", async () => {
    for (const address of ["unknown", "x".repeat(5000), "203.0.113.7<b>"]) {
      expect((await clientSeen("gateway", { "x-forwarded-for": address }))?.address).toBe("127.0.0.1");
    }
    expect((await clientSeen("gateway", { "x-forwarded-for": "2001:db8::1" }))?.address).toBe("2001:db8::1");
  });
  test("has a user agent of bounded length", async () => {
    expect((await clientSeen(undefined, { "user-agent": "x".repeat(5000) }))?.userAgent).toHaveLength(256);
  });
});

describe("access", () => {
  const user = { id: "u1", email: "u@example.com", sessionId: "s", roles: [], permissions: [] };
  const as = async (caller: Credentials["caller"]) =>
    (await open({}, async () => ({ caller, userToken: "" }))).client();

  test("is checked before the body is read", async () => {
    const rpc = await open();
    expect(await rpc.send("Mine", { "content-type": "application/proto" }, "unfinished")).toBe(401);
  });

  test("is by user or by service, as the contract says", async () => {
    expect((await (await as({ user })).mine({})).text).toBe("u1");
    expect((await failure((await as({})).mine({}))).code).toBe(Code.Unauthenticated);
    expect((await (await as({ service: { name: "gateway", scopes: [] } })).internal({})).text).toBe(
      "gateway",
    );
    expect((await failure((await as({ service: { name: "order", scopes: [] } })).internal({}))).code).toBe(
      Code.PermissionDenied,
    );
    expect((await failure((await as({ user })).internal({}))).code).toBe(Code.PermissionDenied);
  });

  test("to a public method is open even with credentials that are no good, of whatever form", async () => {
    let seen = "";
    const rpc = await open(
      {
        echo: (_note, call) => {
          seen = call.userToken;
          return {};
        },
      },
      async () => {
        throw fail.unauthenticated("token_expired", "expired");
      },
    );
    for (const [authorization, token] of [
      ["Bearer old", "old"],
      ["Basic dXNlcjpwYXNz", ""],
      ["garbage", ""],
    ] as const) {
      await rpc.client().echo({}, { headers: { authorization } });
      expect(seen).toBe(token);
    }
    expect(reasonOf(await failure(rpc.client().mine({})))).toBe("token_expired");
  });
});

test("an endless upload is ended by the deadline of the contract", async () => {
  const error = await failure((await open()).client("grpc").sum(endless(), { timeoutMs: 100 }));
  expect(error.code).toBe(Code.DeadlineExceeded);
});
