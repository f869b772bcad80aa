import { randomBytes } from "node:crypto";
import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { createServer as createHttp2Server } from "node:http2";
import type { DescService } from "@bufbuild/protobuf";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.js";
import { kinds } from "#mesh/express/frame.ts";
import { answer, away, failure, fields, frameOf, text, u8, u16, u32 } from "#mesh/testing/express.ts";
import type { BackendPeer, Script } from "./kit/backend.ts";
import { announce, listening, nobodyAt, openBackend, scriptedContract } from "./kit/backend.ts";
import { ask } from "./kit/platform.ts";
import type { SmallPlatform } from "./kit/small-platform.ts";
import { isServed, startSmallPlatform } from "./kit/small-platform.ts";

/** What a stranger must not learn: where things are, and how they are made. */
/** Not random: one in a thousand would begin a frame that may come, whose rest is waited for. */
const noise = Buffer.alloc(100, 0xee);

const inside = /127\.0\.0\.1|localhost|:\d{4,5}\b|ECONN|EPIPE|NGHTTP2|node:|\.ts\b|WEFT/;
const well = Buffer.from([0x0a, 4, ...Buffer.from("well")]);

/** As our servers say it: nothing was done. */
const overloaded = (id: number) => {
  const info = toBinary(ErrorInfoSchema, create(ErrorInfoSchema, { reason: "overloaded", domain: "weft" }));
  const detail = [u16(1), text("google.rpc.ErrorInfo"), u32(info.length), info];
  return frameOf(
    kinds.failure,
    u32(id),
    u8(Code.ResourceExhausted),
    u8(0),
    text("full"),
    ...detail,
    fields(),
  );
};

/** Messages of a service without end, as many bytes as are taken. */
function pour(to: {
  destroyed: boolean;
  write(piece: Buffer): boolean;
  on(event: "drain", f: () => void): unknown;
}) {
  const piece = Buffer.alloc(64 * 1024, 6);
  const more = () => {
    while (!to.destroyed && to.write(piece));
  };
  to.on("drain", more);
  more();
}

interface Call {
  readonly code: Code | undefined;
  readonly message: string;
}

/** What a generated client sees of a call. */
async function told(call: Promise<unknown>): Promise<Call> {
  try {
    await call;
    return { code: undefined, message: "" };
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    const more = [...error.metadata].join() + JSON.stringify(error.details);
    return { code: error.code, message: `${error.rawMessage} ${more}` };
  }
}

function clientsOf(url: string, contract: DescService) {
  const transports = [
    createConnectTransport({ baseUrl: url, httpVersion: "1.1" }),
    createGrpcTransport({ baseUrl: url }),
  ];
  return transports.map((transport) => {
    const { change, pour } = createClient(contract, transport) as unknown as Scripted;
    const whole = async () => {
      for await (const _ of pour({}));
    };
    return { change: () => told(change({})), stream: () => told(whole()) };
  });
}

interface Scripted {
  change(request: object): Promise<unknown>;
  pour(request: object): AsyncIterable<unknown>;
}

describe("the only instance of a service", () => {
  let platform: SmallPlatform;
  beforeAll(async () => {
    const patient = { WEFT_BREAKER_FAILURES: "1000", WEFT_BREAKER_SUCCESS_PERCENT: "0" };
    platform = await startSmallPlatform({ env: { WEFT_WAIT_FOR_READY: "300ms", ...patient } });
  }, 60_000);
  afterAll(() => platform?.[Symbol.asyncDispose]());

  type Open = () => Promise<{ port: number; calls?: number }>;
  const scripted =
    (script: Script): Open =>
    () =>
      openBackend(platform, script);
  const called = (act: (peer: BackendPeer, id: number) => void) =>
    scripted({ called: (id, peer) => act(peer, id) });
  const http2 =
    (act: (stream: ServerHttp2Stream) => void): Open =>
    async () => {
      const backend = { port: 0, calls: 0 };
      const server = createHttp2Server();
      server.on("sessionError", () => {});
      const sessions = new Set<ServerHttp2Session>();
      server.on("session", (session) => void sessions.add(session));
      server.on("stream", (stream) => {
        backend.calls++;
        stream.on("error", () => {});
        act(stream);
      });
      platform.opened.defer(() => {
        server.close();
        for (const session of sessions) session.destroy();
      });
      backend.port = await listening(server as never);
      return backend;
    };
  const proto = { ":status": 200, "content-type": "application/proto" };

  const cases: readonly [what: string, open: Open, status: number, code: Code | undefined][] = [
    ["that nobody is at", async () => ({ port: await nobodyAt() }), 503, Code.Unavailable],
    ["that ends in the middle of a call", called(({ socket }) => socket.destroy()), 502, Code.Unavailable],
    [
      "that closes its side instead of an answer",
      called(({ socket }) => socket.end()),
      502,
      Code.Unavailable,
    ],
    [
      "that closes every connection at once",
      scripted({ connected: ({ socket }) => socket.destroy() }),
      503,
      Code.Unavailable,
    ],
    [
      "that takes connections and never says a word",
      scripted({ connected: () => {} }),
      504,
      Code.DeadlineExceeded,
    ],
    ["that never answers", scripted({}), 504, Code.DeadlineExceeded],
    ["that answers with noise", called(({ socket }) => socket.write(noise)), 502, Code.Unavailable],
    [
      "that ends within its answer",
      called(({ socket }, id) => socket.end(answer(id, Buffer.alloc(100)).subarray(0, 40))),
      502,
      Code.Unavailable,
    ],
    [
      "whose answer is not of its type",
      called((peer, id) => peer.send(answer(id, Buffer.from([0xff, 0xff, 0xff])))),
      502,
      Code.Internal,
    ],
    [
      "that answers with 200 MB",
      called(({ socket }) => {
        socket.write(u32(200 * 1024 * 1024));
        pour(socket);
      }),
      502,
      Code.Unavailable,
    ],
    [
      "that speaks HTTP/2 only",
      http2((stream) => {
        stream.respond(proto);
        stream.end(well);
      }),
      200,
      undefined,
    ],
    ["that speaks HTTP/2 and never answers", http2(() => {}), 504, Code.DeadlineExceeded],
    [
      "that speaks HTTP/2 and stops after its headers",
      http2((it) => it.respond(proto)),
      504,
      Code.DeadlineExceeded,
    ],
    ["that speaks HTTP/2 and cancels the call", http2((it) => it.close(8)), 502, Code.Unavailable],
    [
      "that speaks HTTP/2 and sends less than it promised",
      http2((stream) => {
        stream.respond({ ...proto, "content-length": "100" });
        stream.end(Buffer.alloc(10));
      }),
      502,
      Code.Unavailable,
    ],
    [
      "that speaks HTTP/2 and answers without end",
      http2((stream) => {
        stream.respond(proto);
        pour(stream);
      }),
      502,
      Code.Internal,
    ],
    [
      "behind a proxy that wants a password",
      http2((stream) => {
        stream.respond({ ":status": 401, "content-type": "text/html" });
        stream.end("<h1>Who are you?");
      }),
      502,
      Code.Internal,
    ],
    [
      "behind a proxy that finds nobody",
      http2((stream) => {
        stream.respond({ ":status": 503, "content-type": "text/html" });
        stream.end("<h1>127.0.0.1:8080 is down");
      }),
      503,
      Code.Unavailable,
    ],
  ];

  test.concurrent.each(cases.map((it, at) => [...it, `lone${at}`] as const))(
    "%s: told in time, plainly, by REST and RPC, and POST is not repeated",
    async (_what, open, status, code, service) => {
      const backend = await open();
      const contract = scriptedContract(service, status === 504 ? "0.5s" : "5s");
      await announce(platform, contract, service, backend);
      await isServed(platform.url, `/api/v1/${service}/1`);
      const path = `/api/v1/${service}/7`;

      const posted = await ask(platform.url, "POST", path, { body: {} });
      expect(posted.status).toBe(status);
      expect(backend.calls ?? 1).toBeLessThanOrEqual(1);

      const [got, ...calls] = await Promise.all([
        ask(platform.url, "GET", path),
        ...clientsOf(platform.url, contract).map(({ change }) => change()),
      ]);
      expect(got.status, JSON.stringify(got.body)).toBe(status);
      expect(calls.map((it) => it.code)).toEqual([code, code]);

      for (const { headers, body } of [posted, got]) {
        expect(headers.get("x-gateway-service")).toBe(service);
        if (status === 200) expect(body.data).toEqual({ text: "well" });
        else expect(body).toMatchObject({ success: false, statusCode: status });
        if (status === 503) expect(headers.get("retry-after")).toBe("1");
        expect(JSON.stringify([body, [...headers]])).not.toMatch(inside);
      }
      for (const { message } of calls) expect(message).not.toMatch(inside);
    },
  );
});

test("streams of an instance that fails end in time, and tell plainly how", async () => {
  await using platform = await startSmallPlatform({ env: { WEFT_WAIT_FOR_READY: "300ms" } });
  const contract = scriptedContract("streams", "0.5s");
  const scripts: Script[] = [
    { heard: () => {} },
    { connected: ({ socket }) => socket.destroy() },
    { connected: ({ socket }) => void socket.write(randomBytes(200)) },
    { heard: (_, { socket }) => void socket.end("HTTP/1.1 500 Oh no\r\n\r\n") },
  ];
  for (const script of scripts)
    await announce(platform, contract, "streams", await openBackend(platform, script));
  await isServed(platform.url, "/api/v1/streams/1");
  const calls = clientsOf(platform.url, contract).flatMap(({ stream }) => Array.from({ length: 6 }, stream));
  for (const { code, message } of await Promise.all(calls)) {
    expect([Code.Unavailable, Code.DeadlineExceeded, Code.Internal]).toContain(code);
    expect(message).not.toMatch(inside);
  }
  expect((await ask(platform.url, "GET", "/health/live")).status).toBe(200);
});

describe("one of two instances", () => {
  let platform: SmallPlatform;
  beforeAll(async () => {
    platform = await startSmallPlatform();
  }, 60_000);
  afterAll(() => platform?.[Symbol.asyncDispose]());

  const bad: Record<string, (seen: (said: string) => void) => Promise<{ port: number }>> = {
    "is away": async () => ({ port: await nobodyAt() }),
    "ends in the middle of each call": (seen) =>
      openBackend(platform, {
        called: (_id, { socket }, said) => {
          seen(said);
          socket.destroy();
        },
      }),
    "answers with noise": (seen) =>
      openBackend(platform, {
        called: (_id, { socket }, said) => {
          seen(said);
          socket.write(noise);
        },
      }),
    "is leaving": () =>
      openBackend(platform, {
        called: (id, peer) => peer.send(failure(id, Code.Unavailable, false, "stopping"), away()),
      }),
    "has too much to do": () =>
      openBackend(platform, {
        called: (id, peer) => peer.send(overloaded(id)),
      }),
  };

  const lone = async (service: string, script: Script) => {
    const backend = await openBackend(platform, script);
    await announce(platform, scriptedContract(service), service, backend);
    await isServed(platform.url, `/api/v1/${service}/1`);
    return () => ask(platform.url, "POST", `/api/v1/${service}/7`, { body: {} });
  };

  test("when there is no other: after some failures it is left alone, which is told as 503", async () => {
    const post = await lone("breaking", { called: (_id, { socket }) => void socket.destroy() });
    const statuses: number[] = [];
    for (let at = 0; at < 8; at++) statuses.push((await post()).status);
    expect(statuses).toEqual([502, 502, 502, 502, 502, 503, 503, 503]);
    const { headers, body } = await post();
    expect(body).toMatchObject({ code: "unavailable", reason: "breaker_open" });
    expect(headers.get("retry-after")).toBe("1");
    expect(JSON.stringify([body, [...headers]])).not.toMatch(inside);
  });

  test("when there is no other, and it has too much to do: 503, for it is not the client who asks too often", async () => {
    const post = await lone("full", { called: (id, peer) => peer.send(overloaded(id)) });
    const { status, headers, body } = await post();
    expect([status, body.reason, headers.get("retry-after")]).toEqual([503, "overloaded", "1"]);
    expect(body.error).toBe("full has too much to do now; try again");
  });

  test.concurrent.each(Object.entries(bad).map(([what, open], at) => [what, open, `pair${at}`] as const))(
    "%s: every GET is answered by the other, and no POST is made twice",
    async (_what, open, service) => {
      const contract = scriptedContract(service);
      const made: string[] = [];
      const seen = (said: string) => void made.push(/item-\d+-/.exec(said)?.[0] ?? said);
      const good = await openBackend(platform, {
        called: (id, peer, said) => {
          seen(said);
          peer.send(answer(id, well));
        },
      });
      await announce(platform, contract, service, good);
      await announce(platform, contract, service, await open(seen));
      await isServed(platform.url, `/api/v1/${service}/1`);
      for (let at = 0; at < 20; at++) {
        const got = await ask(platform.url, "GET", `/api/v1/${service}/7`);
        expect([got.status, got.body.data]).toEqual([200, { text: "well" }]);
      }
      made.length = 0;
      let failed = 0;
      for (let at = 0; at < 20; at++) {
        const posted = await ask(platform.url, "POST", `/api/v1/${service}/item-${at}-`, { body: {} });
        if (posted.status !== 200) {
          failed++;
          expect([502, 503]).toContain(posted.status);
        }
      }
      expect(new Set(made).size).toBe(made.length);
      expect(made.length).toBeGreaterThanOrEqual(20 - failed);
      // What was not begun anywhere is made elsewhere, whatever it does.
      if (service !== "pair1" && service !== "pair2") expect(failed).toBe(0);
    },
  );
});
