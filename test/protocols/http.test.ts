import { gunzipSync, gzipSync } from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Note } from "#mesh/testing/probe.ts";
import { NoteSchema, ProbeService } from "#mesh/testing/probe.ts";
import { requestH2 } from "./kit/http2.ts";
import type { ProbeHost } from "./kit/probe-host.ts";
import { hostProbe } from "./kit/probe-host.ts";

let probe: ProbeHost;
beforeAll(async () => {
  probe = await hostProbe();
});
afterAll(() => probe[Symbol.asyncDispose]());

interface Answer {
  status: number;
  headers: (name: string) => string | undefined;
  body: Buffer;
}

/** The same request by the two versions of HTTP that one port speaks. */
const versions: Record<
  string,
  (
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: Uint8Array | string,
  ) => Promise<Answer>
> = {
  "HTTP/1.1": async (method, path, headers, body) => {
    const answer = await fetch(`${probe.url}${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: body as string }),
    });
    return {
      status: answer.status,
      headers: (name) => answer.headers.get(name) ?? undefined,
      body: Buffer.from(await answer.arrayBuffer()),
    };
  },
  h2c: async (method, path, headers, body) => {
    const answer = await requestH2(`${probe.url}${path}`, {
      method,
      headers,
      ...(body !== undefined && { body }),
    });
    return { status: answer.status, headers: (name) => answer.headers[name], body: answer.body };
  },
};

const encode = (init: Partial<Note>) => toBinary(NoteSchema, create(NoteSchema, init as object));
const decode = (bytes: Uint8Array) => fromBinary(NoteSchema, bytes);
const json = (answer: Answer) => JSON.parse(answer.body.toString()) as Record<string, unknown>;
const path = (method: string) => `/probe.v1.ProbeService/${method}`;

describe.each(Object.entries(versions))("plain %s", (_version, send) => {
  const post = (method: string, type: string, body: Uint8Array | string, headers = {}) =>
    send("POST", path(method), { "content-type": type, ...headers }, body);

  describe("speaks Connect", () => {
    test("in JSON, and int64 keeps its digits", async () => {
      const answer = await post(
        "Echo",
        "application/json",
        '{"text":"hi","number":"9007199254740993","unheardOf":1}',
      );
      expect(answer.status).toBe(200);
      expect(answer.headers("content-type")).toBe("application/json");
      expect(json(answer)).toEqual({ text: "hi", number: "9007199254740993" });
      expect(answer.headers("x-request-id")).toBeDefined();
    });

    test("in binary", async () => {
      const answer = await post("Echo", "application/proto", encode({ text: "hi", number: 7n }));
      expect(answer.status).toBe(200);
      expect(decode(answer.body)).toMatchObject({ text: "hi", number: 7n });
    });

    test("by GET for what has no side effects, and only for that", async () => {
      const query = (message: string, more = "") =>
        `?connect=v1&encoding=json&message=${encodeURIComponent(message)}${more}`;
      expect(json(await send("GET", path("Look") + query('{"text":"the moon"}'), {}))).toEqual({
        text: "saw the moon",
      });
      const binary = Buffer.from(encode({ text: "mars" })).toString("base64url");
      const answer = await send(
        "GET",
        `${path("Look")}?connect=v1&encoding=proto&base64=1&message=${binary}`,
        {},
      );
      expect(decode(answer.body).text).toBe("saw mars");
      expect((await send("GET", path("Echo") + query("{}"), {})).status).toBe(405);
    });

    test("with errors as HTTP status and JSON", async () => {
      const refused = await post("Refuse", "application/json", "{}");
      expect(refused.status).toBe(404);
      expect(json(refused)).toMatchObject({
        code: "not_found",
        message: "no note has this text",
        details: [{ type: "google.rpc.ErrorInfo", debug: { reason: "note_not_found", domain: "weft" } }],
      });
      expect((await post("Mine", "application/json", "{}")).status).toBe(401);
      expect((await post("Internal", "application/proto", "")).status).toBe(401);
      const broken = await post("Break", "application/json", "{}");
      expect(broken.status).toBe(500);
      expect(broken.body.toString()).not.toContain("hunter2");
      expect(json(await post("Hang", "application/json", "{}"))).toMatchObject({ code: "deadline_exceeded" });
    });

    test("and refuses what is no message", async () => {
      for (const body of ["", "{", "[]", '{"number":"many"}', "null"]) {
        const answer = await post("Echo", "application/json", body);
        expect([body, answer.status]).toEqual([body, 400]);
        expect(json(answer).code).toBe("invalid_argument");
      }
      expect((await post("Echo", "text/plain", "hi")).status).toBe(415);
      expect((await send("PUT", path("Echo"), { "content-type": "application/json" }, "{}")).status).toBe(
        405,
      );
      expect(json(await post("Nothing", "application/json", "{}"))).toMatchObject({ code: "unimplemented" });
    });

    test("with gzip both ways", async () => {
      const data = Buffer.alloc(50_000, "weft ");
      const answer = await post("Echo", "application/proto", gzipSync(encode({ data })), {
        "content-encoding": "gzip",
        "accept-encoding": "gzip",
      });
      expect(answer.status).toBe(200);
      // fetch has decompressed it already and keeps the header.
      expect(answer.headers("content-encoding")).toBe("gzip");
      const body = answer.body[0] === 0x1f ? gunzipSync(answer.body) : answer.body;
      expect(Buffer.from(decode(body).data).equals(data)).toBe(true);
    });

    test("and refuses an unknown compression, saying which it knows", async () => {
      const answer = await post("Echo", "application/proto", "x", { "content-encoding": "zstd" });
      expect(json(answer)).toMatchObject({ code: "unimplemented", message: expect.stringContaining("gzip") });
    });

    test("and refuses a small body that would grow beyond the limit", async () => {
      const bomb = gzipSync(encode({ data: Buffer.alloc(8 * 1024 * 1024) }));
      expect(bomb.length).toBeLessThan(20_000);
      const answer = await post("Echo", "application/proto", bomb, { "content-encoding": "gzip" });
      expect(json(answer)).toMatchObject({ code: "resource_exhausted" });
    });
  });

  describe("speaks gRPC-Web in frames", () => {
    const frame = (flags: number, bytes: Uint8Array) => {
      const head = Buffer.alloc(5);
      head[0] = flags;
      head.writeUInt32BE(bytes.length, 1);
      return Buffer.concat([head, bytes]);
    };
    const unframe = (body: Buffer) => {
      const frames: { flags: number; data: Buffer }[] = [];
      for (let at = 0; at < body.length; ) {
        const length = body.readUInt32BE(at + 1);
        frames.push({ flags: body[at] ?? 0, data: body.subarray(at + 5, at + 5 + length) });
        at += 5 + length;
      }
      return frames;
    };
    const type = "application/grpc-web+proto";

    test("a message and then the trailers", async () => {
      const answer = await post("Echo", type, frame(0, encode({ text: "hi" })));
      expect(answer.status).toBe(200);
      const [message, trailers, ...rest] = unframe(answer.body);
      expect(rest).toEqual([]);
      expect([message?.flags, trailers?.flags]).toEqual([0, 0x80]);
      expect(decode(message!.data).text).toBe("hi");
      expect(trailers!.data.toString()).toMatch(/grpc-status: ?0\r\n/);
    });

    test("one frame for each message of a stream", async () => {
      const frames = unframe((await post("Count", type, frame(0, encode({ number: 3n })))).body);
      expect(frames.slice(0, -1).map(({ data }) => decode(data).number)).toEqual([1n, 2n, 3n]);
      expect(frames.at(-1)?.flags).toBe(0x80);
    });

    test("an error in the trailers alone", async () => {
      const frames = unframe((await post("Refuse", type, frame(0, encode({})))).body);
      expect(frames).toHaveLength(1);
      expect(frames[0]?.data.toString()).toMatch(/grpc-status: ?5\r\n/);
    });

    test("with gzip both ways", async () => {
      const data = Buffer.alloc(50_000, "weft ");
      const answer = await post("Echo", type, frame(1, gzipSync(encode({ data }))), {
        "grpc-encoding": "gzip",
        "grpc-accept-encoding": "gzip",
      });
      expect(answer.headers("grpc-encoding")).toBe("gzip");
      const [message] = unframe(answer.body);
      expect(message!.flags).toBe(1);
      expect(Buffer.from(decode(gunzipSync(message!.data)).data).equals(data)).toBe(true);
    });

    test("and says so when a frame is cut short", async () => {
      const whole = frame(0, encode({ text: "cut" }));
      const frames = unframe((await post("Echo", type, whole.subarray(0, -1))).body);
      expect(frames.at(-1)?.data.toString()).toMatch(/grpc-status: ?(3|13)\r\n/);
    });
  });
});

describe("the clients of Connect", () => {
  const kinds: Record<string, () => Transport> = {
    "gRPC-Web over HTTP/1.1": () => createGrpcWebTransport({ baseUrl: probe.url, httpVersion: "1.1" }),
    "gRPC-Web over h2c": () => createGrpcWebTransport({ baseUrl: probe.url, httpVersion: "2" }),
    "Connect JSON over HTTP/1.1": () =>
      createConnectTransport({ baseUrl: probe.url, httpVersion: "1.1", useBinaryFormat: false }),
    "Connect JSON over h2c": () =>
      createConnectTransport({ baseUrl: probe.url, httpVersion: "2", useBinaryFormat: false }),
    "Connect binary over HTTP/1.1": () => createConnectTransport({ baseUrl: probe.url, httpVersion: "1.1" }),
    "Connect by GET": () =>
      createConnectTransport({ baseUrl: probe.url, httpVersion: "1.1", useHttpGet: true }),
    "gRPC over h2c, with gzip": () =>
      createGrpcTransport({ baseUrl: probe.url, sendCompression: compressionGzip, compressMinBytes: 0 }),
  };
  test.each(Object.entries(kinds))("%s: calls, streams and errors", async (_name, transport) => {
    const client = createClient(ProbeService, transport());
    expect(await client.echo({ text: "hi", number: -5n })).toMatchObject({ text: "hi", number: -5n });
    expect((await client.look({ text: "it" })).text).toBe("saw it");
    const counted: bigint[] = [];
    for await (const { number } of client.count({ number: 3n })) counted.push(number);
    expect(counted).toEqual([1n, 2n, 3n]);
    const error = await client.refuse({}).catch((it: unknown) => ConnectError.from(it));
    expect(error).toMatchObject({ code: Code.NotFound, rawMessage: "no note has this text" });
  });
});
