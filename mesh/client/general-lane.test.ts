import { once } from "node:events";
import type { Http2Server, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { constants, createServer } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { createServer as createTcpServer } from "node:net";
import type { Client, ServiceImpl } from "@connectrpc/connect";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { afterEach, describe, expect, test } from "vitest";
import { fail } from "../errors.ts";
import { freePort } from "../testing/free-port.ts";
import type { ProbeContract } from "../testing/probe.ts";
import { ProbeService } from "../testing/probe.ts";
import type { GeneralLaneOptions } from "./general-lane.ts";
import { openGeneralLane } from "./general-lane.ts";
import { createLeavableClient } from "./leavable-client.ts";
import { isUnprocessed } from "./unprocessed.ts";

const cleanups: Array<() => unknown> = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server of HTTP/2 that does with each stream what the test says. */
function misbehaving(onStream: (stream: ServerHttp2Stream) => void): Promise<string> {
  const server = createServer();
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    stream.resume();
    onStream(stream);
  });
  return listening(server);
}

/** One that answers as it should. */
const answering = (handlers: Partial<ServiceImpl<ProbeContract>>): Promise<string> =>
  listening(createServer(connectNodeAdapter({ routes: (router) => router.service(ProbeService, handlers) })));

async function listening(server: Http2Server): Promise<string> {
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  cleanups.push(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function laneTo(baseUrl: string, options: Partial<GeneralLaneOptions> = {}) {
  const lane = openGeneralLane({ baseUrl, ...options });
  cleanups.push(lane.close);
  return lane;
}
const clientOf = (baseUrl: string, options?: Partial<GeneralLaneOptions>): Client<ProbeContract> =>
  createClient(ProbeService, laneTo(baseUrl, options).transport);

async function failureOf(call: Promise<unknown>): Promise<ConnectError> {
  const error = await call.then(
    () => undefined,
    (it: unknown) => it,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
}

const protocols = ["connect", "grpc", "grpc-web"] as const;

describe.each(protocols)("over %s, a call", (protocol) => {
  test("that the callee refuses is known not to be processed", async () => {
    const url = await misbehaving((stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM));
    const error = await failureOf(clientOf(url, { protocol }).echo({ text: "a" }));
    expect(error.code).toBe(Code.Unavailable);
    expect(isUnprocessed(error)).toBe(true);
  });

  test.each([
    ["that stops", constants.NGHTTP2_NO_ERROR],
    ["that has enough of us", constants.NGHTTP2_ENHANCE_YOUR_CALM],
  ])("to a callee %s and has not looked at it is known not to be processed", async (_name, code) => {
    // Node cannot say that it looked at no stream at all, so there is one before.
    const url = await misbehaving((stream) => {
      if (stream.id === 3) stream.session?.goaway(code, 1);
    });
    const client = clientOf(url, { protocol });
    const [earlier, error] = await Promise.all([
      failureOf(client.echo({ text: "a" }, { timeoutMs: 200 })),
      failureOf(client.echo({ text: "b" })),
    ]);
    expect(isUnprocessed(earlier)).toBe(false);
    expect(error.code).toBe(Code.Unavailable);
    expect(isUnprocessed(error)).toBe(true);
  });

  test("that the callee took before it hurried away may have been processed", async () => {
    const url = await misbehaving((stream) => {
      stream.session?.goaway(constants.NGHTTP2_INTERNAL_ERROR, stream.id ?? 0);
    });
    const error = await failureOf(clientOf(url, { protocol }).echo({ text: "a" }));
    expect(error.code).toBe(Code.Unavailable);
    expect(isUnprocessed(error)).toBe(false);
  });

  test.each(["before", "behind"])("whose connection breaks %s the headers may have been", async (when) => {
    const url = await misbehaving((stream) => {
      if (when === "behind") stream.respond({ ":status": 200, "content-type": contentTypes[protocol] });
      setTimeout(() => stream.session?.socket?.destroy(), 20);
    });
    const error = await failureOf(clientOf(url, { protocol }).echo({ text: "a" }));
    expect(error.code).toBe(Code.Unavailable);
    expect(isUnprocessed(error)).toBe(false);
  });

  test("that the callee cancels ends so, and may have been processed", async () => {
    const url = await misbehaving((stream) => stream.close(constants.NGHTTP2_CANCEL));
    const error = await failureOf(clientOf(url, { protocol }).echo({ text: "a" }));
    expect(error.code).toBe(Code.Canceled);
    expect(isUnprocessed(error)).toBe(false);
  });

  test("that is answered with an error ends with just that", async () => {
    const url = await answering({
      refuse: () => {
        throw fail.notFound("note_not_found", "no note has this text");
      },
    });
    const error = await failureOf(clientOf(url, { protocol }).refuse({}));
    expect(error.code).toBe(Code.NotFound);
    expect(error.details).toHaveLength(1);
    expect(isUnprocessed(error)).toBe(false);
  });

  test("that is aborted ends at once, and the callee is told", async () => {
    const closed = Promise.withResolvers<number>();
    const arrived = Promise.withResolvers<void>();
    const url = await misbehaving((stream) => {
      arrived.resolve();
      stream.on("close", () => closed.resolve(stream.rstCode));
    });
    const abort = new AbortController();
    const call = failureOf(clientOf(url, { protocol }).echo({ text: "a" }, { signal: abort.signal }));
    await arrived.promise;
    abort.abort();
    const error = await call;
    expect(error.code).toBe(Code.Canceled);
    expect(isUnprocessed(error)).toBe(false);
    expect(await closed.promise).toBe(constants.NGHTTP2_CANCEL);
  });

  test.each([
    ["its own timeout", () => ({ timeoutMs: 50 })],
    ["a signal that times out", () => ({ signal: AbortSignal.timeout(50) })],
  ])("that is ended by %s has exceeded its deadline, and the callee is told", async (_name, options) => {
    const closed = Promise.withResolvers<number>();
    const url = await misbehaving((stream) => stream.on("close", () => closed.resolve(stream.rstCode)));
    const client = clientOf(url, { protocol });
    const error = await failureOf(client.echo({ text: "a" }, options()));
    expect(error.code).toBe(Code.DeadlineExceeded);
    expect(await closed.promise).toBe(constants.NGHTTP2_CANCEL);
    const stream = client.count({ number: 1n }, options())[Symbol.asyncIterator]();
    expect((await failureOf(stream.next())).code).toBe(Code.DeadlineExceeded);
  });

  test("that the callee gives up at its deadline has exceeded it", async () => {
    const url = await misbehaving((stream) => {
      setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), 95);
    });
    const error = await failureOf(clientOf(url, { protocol }).echo({ text: "a" }, { timeoutMs: 100 }));
    expect(error.code).toBe(Code.DeadlineExceeded);
  });

  test("is cancelled by whoever leaves its answers early", async () => {
    const ended = Promise.withResolvers<void>();
    const url = await answering({
      async *follow(_note, call) {
        call.signal.addEventListener("abort", () => ended.resolve(), { once: true });
        for (let number = 0n; !call.signal.aborted; number++) {
          yield { number };
          await new Promise(setImmediate);
        }
      },
    });
    const { transport } = laneTo(url, { protocol });
    for await (const _ of createLeavableClient(ProbeService, transport).follow({})) break;
    await ended.promise;
  });

  test("is cancelled by a transport's user who leaves its answers early", async () => {
    const ended = Promise.withResolvers<void>();
    const url = await answering({
      async *follow(_note, call) {
        call.signal.addEventListener("abort", () => ended.resolve(), { once: true });
        for (let number = 0n; !call.signal.aborted; number++) {
          yield { number };
          await new Promise(setImmediate);
        }
      },
    });
    const { transport } = laneTo(url, { protocol });
    const { follow } = ProbeService.method;
    const { message } = await transport.stream(
      follow,
      undefined,
      undefined,
      undefined,
      (async function* () {
        yield {};
      })(),
    );
    for await (const _ of message) break;
    await ended.promise;
  });

  test("whose answers are read to the end gives all of them", async () => {
    const url = await answering({
      async *count({ number }) {
        for (let each = 1n; each <= number; each++) yield { number: each };
      },
    });
    const client = createLeavableClient(ProbeService, laneTo(url, { protocol }).transport);
    const numbers: bigint[] = [];
    for await (const { number } of client.count({ number: 3n })) numbers.push(number);
    expect(numbers).toEqual([1n, 2n, 3n]);
  });
});

const contentTypes = {
  connect: "application/proto",
  grpc: "application/grpc+proto",
  "grpc-web": "application/grpc-web+proto",
};

test.each(["1.1", "2"] as const)(
  "a call over HTTP/%s that no one listens for is known not to be processed",
  async (http) => {
    const client = clientOf(`http://127.0.0.1:${await freePort()}`, { http });
    const error = await failureOf(client.echo({}));
    expect(error.code).toBe(Code.Unavailable);
    expect(isUnprocessed(error)).toBe(true);
  },
);

test("a call to a peer that says nothing is ended by its deadline", async () => {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => sockets.add(socket));
  await once(server.listen(0, "127.0.0.1"), "listening");
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const client = clientOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const error = await failureOf(client.echo({}, { timeoutMs: 50 }));
  expect(error.code).toBe(Code.DeadlineExceeded);
  expect(isUnprocessed(error)).toBe(false);
});

test("the next call after a connection was lost gets a new one", async () => {
  let first = true;
  const url = await misbehaving((stream) => {
    if (first) {
      first = false;
      stream.session?.destroy();
    } else {
      stream.respond({ ":status": 200, "content-type": "application/proto" });
      stream.end();
    }
  });
  const client = clientOf(url);
  await failureOf(client.echo({ text: "a" }));
  expect((await client.echo({ text: "b" })).text).toBe("");
});

test("an error of somebody else is no promise that nothing was done", () => {
  expect(isUnprocessed(new Error("something"))).toBe(false);
  expect(isUnprocessed(undefined)).toBe(false);
});
