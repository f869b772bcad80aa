import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { block, data, field, flag, headers } from "../attacks/kit/frames.ts";
import { openHttp2 } from "../attacks/kit/http2.ts";
import type { Probe } from "./kit/probe.ts";
import { createProbe } from "./kit/probe.ts";
import { exchangeRaw } from "./kit/raw-http.ts";
import type { SmallPlatform } from "./kit/small-platform.ts";
import { startSmallPlatform } from "./kit/small-platform.ts";

// A request must end where a proxy before us thinks that it ends (RFC 9112 §11.2): whatever is not clear is refused.

let platform: SmallPlatform;
let probe: Probe;
let port: number;
beforeAll(async () => {
  platform = await startSmallPlatform();
  probe = createProbe();
  await platform.host(probe.definition);
  port = Number(new URL(platform.url).port);
  const isServed = async () => (await fetch(`${platform.url}/api/v1/probe/1`)).status === 200;
  await vi.waitUntil(isServed, { timeout: 5000, interval: 20 });
}, 60_000);
afterAll(() => platform?.[Symbol.asyncDispose]());
beforeEach(() => {
  probe.arrived.length = 0;
});

/** Found by the probe only when it was taken for a request of its own. */
const hiddenRequest = "GET /api/v1/probe/smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
const last = "GET /api/v1/probe/last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const post = (fields: string, body: string, path = "/api/v1/probe") =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${fields}\r\n${body}`;
const chunk = (text: string, extension = "") => `${text.length.toString(16)}${extension}\r\n${text}\r\n`;
const smuggledIn = () => probe.arrived.filter(({ request }) => request.id === "smuggled");

describe("HTTP/1.1", () => {
  test.each([
    [
      "both lengths",
      post(
        `Content-Length: ${hiddenRequest.length + 5}\r\nTransfer-Encoding: chunked\r\n`,
        `0\r\n\r\n${hiddenRequest}`,
      ),
    ],
    [
      "both lengths, the other way",
      post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", `${chunk(hiddenRequest)}0\r\n\r\n`),
    ],
    [
      "two lengths",
      post(`Content-Length: 2\r\nContent-Length: ${hiddenRequest.length + 2}\r\n`, `{}${hiddenRequest}`),
    ],
    ["two lengths in one", post(`Content-Length: 2, ${hiddenRequest.length + 2}\r\n`, `{}${hiddenRequest}`)],
    ["a length with a sign", post("Content-Length: +2\r\n", `{}${hiddenRequest}`)],
    ["a length below zero", post("Content-Length: -1\r\n", hiddenRequest)],
    ["a length in hexadecimal", post("Content-Length: 0x2\r\n", `{}${hiddenRequest}`)],
    ["a length that is empty", post("Content-Length: \r\n", `{}${hiddenRequest}`)],
    ["a length beyond 64 bits", post("Content-Length: 18446744073709551618\r\n", `{}${hiddenRequest}`)],
    [
      "a blank before the colon",
      post("Transfer-Encoding : chunked\r\nContent-Length: 5\r\n", `0\r\n\r\n${hiddenRequest}`),
    ],
    ["a tab before the colon", post("Content-Length\t: 2\r\n", `{}${hiddenRequest}`)],
    ["an unknown coding", post("Transfer-Encoding: xchunked\r\n", `0\r\n\r\n${hiddenRequest}`)],
    [
      "a coding behind chunked",
      post("Transfer-Encoding: chunked, identity\r\n", `0\r\n\r\n${hiddenRequest}`),
    ],
    [
      "chunked twice",
      post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", `0\r\n\r\n${hiddenRequest}`),
    ],
    [
      "a coding with a control character",
      post("Transfer-Encoding: \x0bchunked\r\nContent-Length: 5\r\n", `0\r\n\r\n${hiddenRequest}`),
    ],
    [
      "a folded header",
      post("X-A: b\r\n Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", `0\r\n\r\n${hiddenRequest}`),
    ],
    ["bare line feeds", `POST /api/v1/probe HTTP/1.1\nHost: a\nContent-Length: 2\n\n{}${hiddenRequest}`],
    [
      "one bare line feed",
      post("X-A: b\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", `0\r\n\r\n${hiddenRequest}`),
    ],
    [
      "a bare carriage return",
      post("X-A: b\rTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", `0\r\n\r\n${hiddenRequest}`),
    ],
    ["a NUL in a header", post("X-A: b\0c\r\nContent-Length: 2\r\n", `{}${hiddenRequest}`)],
    [
      "a chunk size with a sign",
      post("Transfer-Encoding: chunked\r\n", `+2\r\n{}\r\n0\r\n\r\n${hiddenRequest}`),
    ],
    [
      "a chunk size with 0x",
      post("Transfer-Encoding: chunked\r\n", `0x2\r\n{}\r\n0\r\n\r\n${hiddenRequest}`),
    ],
    [
      "a chunk size beyond 64 bits",
      post("Transfer-Encoding: chunked\r\n", `ffffffffffffffff2\r\n{}\r\n0\r\n\r\n${hiddenRequest}`),
    ],
    [
      "a chunk without its end",
      post("Transfer-Encoding: chunked\r\n", `2\r\n{}X\r\n0\r\n\r\n${hiddenRequest}`),
    ],
    [
      "a chunk with a bare line feed",
      post("Transfer-Encoding: chunked\r\n", `2\n{}\r\n0\r\n\r\n${hiddenRequest}`),
    ],
    [
      "a chunk extension with a bare line feed",
      post("Transfer-Encoding: chunked\r\n", `2;a\n{}\r\n0\r\n\r\n${hiddenRequest}`),
    ],
    [
      "a chunk that is shorter than it says",
      post("Transfer-Encoding: chunked\r\n", `5\r\n{}\r\n0\r\n\r\n${hiddenRequest}`),
    ],
    ["no host", "GET /api/v1/probe/smuggled HTTP/1.1\r\nConnection: close\r\n\r\n"],
    ["a blank in the path", "GET /api/v1/probe/smuggled HTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n"],
    [
      "a length in trailers",
      post("Transfer-Encoding: chunked\r\n", `2\r\n{}\r\n0\r\nContent-Length: 99\r\n\r\n${hiddenRequest}`),
    ],
    ["no version", "GET /api/v1/probe/smuggled\r\nHost: a\r\n\r\n"],
    ["another version", "GET /api/v1/probe/smuggled HTTP/3.7\r\nHost: a\r\n\r\n"],
    ["an unknown verb", "G\x01T /api/v1/probe/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["a header without a name", "GET /api/v1/probe/smuggled HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"],
    ["a blank line of blanks", "GET /api/v1/probe/smuggled HTTP/1.1\r\nHost: a\r\n \r\n\r\n"],
  ])("%s: 400, and what follows is nothing", async (_what, bytes) => {
    const { statuses } = await exchangeRaw(port, bytes + last, 1000);
    expect(statuses.filter((it) => it < 400)).toEqual([]);
    expect(smuggledIn()).toEqual([]);
  });

  test.each([
    [
      "a body of a path that is not there",
      post(`Content-Length: ${hiddenRequest.length}\r\n`, hiddenRequest, "/nowhere"),
      [404, 200],
    ],
    [
      "a body of a GET",
      `GET /api/v1/probe/1 HTTP/1.1\r\nHost: a\r\nContent-Length: ${hiddenRequest.length}\r\n\r\n${hiddenRequest}`,
      [400, 200],
    ],
    [
      "a body of HEAD",
      `HEAD /gateway/services HTTP/1.1\r\nHost: a\r\nContent-Length: ${hiddenRequest.length}\r\n\r\n${hiddenRequest}`,
      undefined,
    ],
    [
      "a body of OPTIONS",
      `OPTIONS /api/v1/probe HTTP/1.1\r\nHost: a\r\nContent-Length: ${hiddenRequest.length}\r\n\r\n${hiddenRequest}`,
      [204, 200],
    ],
    [
      "a body of a verb that is not served",
      `DELETE /api/v1/probe HTTP/1.1\r\nHost: a\r\nContent-Length: ${hiddenRequest.length}\r\n\r\n${hiddenRequest}`,
      [405, 200],
    ],
    [
      "a body without credentials",
      `GET /api/v1/probe/mine HTTP/1.1\r\nHost: a\r\nContent-Length: ${hiddenRequest.length}\r\n\r\n${hiddenRequest}`,
      [401, 200],
    ],
    [
      "a body of a page",
      `GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: ${hiddenRequest.length}\r\n\r\n${hiddenRequest}`,
      [200, 200],
    ],
    [
      "a body that is no JSON",
      post(`Content-Length: ${hiddenRequest.length}\r\n`, hiddenRequest),
      [400, 200],
    ],
    [
      "a body of an RPC that is not there",
      post(`Content-Length: ${hiddenRequest.length}\r\n`, hiddenRequest, "/a.B/C"),
      [404, 200],
    ],
    [
      "a body of an RPC",
      post(`Content-Length: ${hiddenRequest.length}\r\n`, hiddenRequest, "/probe.v1.ProbeService/Tell"),
      [400, 200],
    ],
    [
      "chunks with extensions",
      post("Transfer-Encoding: chunked\r\n", `2;a="\\"b";c\r\n{}\r\n0;d\r\n\r\n`),
      [200, 200],
    ],
    [
      "trailers",
      post("Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\nX-A: b\r\nAuthorization: Bearer x\r\n\r\n"),
      [200, 200],
    ],
    [
      "an upgrade that is not made",
      post(
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 2\r\n",
        "{}",
      ),
      [200, 200],
    ],
    [
      "an upgrade to WebSocket",
      "GET /api/v1/probe/1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAA\r\n\r\n",
      [200, 200],
    ],
  ] as const)("%s is passed over as what it is", async (_what, bytes, expected) => {
    const { statuses, text } = await exchangeRaw(port, [bytes, last], 1500);
    expect(smuggledIn()).toEqual([]);
    if (expected) expect(statuses, text).toEqual(expected);
  });

  test("what is too large to be read is not read as the next request", async () => {
    const filler = hiddenRequest.repeat(40_000);
    const { statuses } = await exchangeRaw(port, post(`Content-Length: ${filler.length}\r\n`, filler), 2500);
    expect([statuses.length, statuses[0]]).toEqual([1, 413]);
    expect(smuggledIn()).toEqual([]);
  });

  test("it is all the same when it comes byte by byte", async () => {
    const bytes = post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${hiddenRequest}`);
    const pieces = [bytes.slice(0, 60), bytes.slice(60, 110), bytes.slice(110, 120), bytes.slice(120)];
    const { statuses } = await exchangeRaw(port, pieces, 1000);
    expect(statuses).toEqual([400]);
    expect(probe.arrived).toEqual([]);
  });

  test.each([
    ["CONNECT", "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n"],
    ["OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"],
    [
      "an expectation that nobody knows",
      post("Expect: 200-ok\r\nContent-Length: 2\r\nConnection: close\r\n", "{}"),
    ],
  ])("%s leads nowhere", async (_what, bytes) => {
    const { statuses } = await exchangeRaw(port, bytes, 1000);
    expect(statuses.filter((it) => it < 300 || it >= 500)).toEqual([]);
    expect(probe.arrived).toEqual([]);
  });
});

describe("HTTP/2", () => {
  const plain = { ":method": "POST", ":scheme": "http", ":path": "/api/v1/probe", ":authority": "a" };
  const json = { ...plain, "content-type": "application/json" };
  const raw = (...pairs: readonly [string, string][]) =>
    Buffer.concat(pairs.map(([name, value]) => field(name, value)));

  test.each([
    ["a path twice", raw(...Object.entries(json), [":path", "/api/v1/probe/smuggled"])],
    [
      "a pseudo-header behind the others",
      raw([":method", "POST"], [":scheme", "http"], ["x-a", "b"], [":path", "/api/v1/probe"]),
    ],
    ["an unknown pseudo-header", block({ ...json, ":smuggled": "1" })],
    ["a status in a request", block({ ...json, ":status": "200" })],
    ["a name in capitals", block({ ...json, "X-A": "b" })],
    [
      "a line break in the path",
      block({ ...json, ":path": "/api/v1/probe HTTP/1.1\r\nHost: b\r\n\r\nGET /api/v1/probe/smuggled" }),
    ],
    ["a blank in the path", block({ ...json, ":path": "/api/v1/probe/1 HTTP/1.1" })],
    ["a transfer coding", block({ ...json, "transfer-encoding": "chunked" })],
    ["a connection header", block({ ...json, connection: "close" })],
    ["an upgrade", block({ ...json, upgrade: "h2c" })],
    ["te of another kind", block({ ...json, te: "chunked" })],
    ["a verb with a request in it", block({ ...json, ":method": "GET /api/v1/probe/smuggled HTTP/1.1" })],
    ["no path", block({ ":method": "POST", ":scheme": "http", ":authority": "a" })],
    ["an empty path", block({ ...json, ":path": "" })],
    ["a path without a slash", block({ ...json, ":path": "api/v1/probe" })],
    ["an absolute path", block({ ...json, ":path": "http://a/api/v1/probe" })],
    ["CONNECT", block({ ":method": "CONNECT", ":authority": "127.0.0.1:22" })],
    ["CONNECT to another protocol", block({ ...json, ":method": "CONNECT", ":protocol": "websocket" })],
    ["a length that is more than comes", block({ ...json, "content-length": "99" })],
    ["a length that is less than comes", block({ ...json, "content-length": "1" })],
    ["two lengths", raw(...Object.entries(json), ["content-length", "2"], ["content-length", "9"])],
    ["a length that is none", block({ ...json, "content-length": "+2" })],
  ])("%s reaches nobody", async (_what, bytes) => {
    const http2 = await openHttp2(port);
    try {
      await http2.send(Buffer.concat([headers(1, bytes), data(1, Buffer.from("{}"), flag.endStream)]));
      await sleep(100);
      expect(probe.arrived).toEqual([]);
    } finally {
      http2[Symbol.dispose]();
    }
  });

  // RFC 9113 §8.2.1 would have the whole request refused; Node drops the field alone.
  test.each([
    ["a line break in a value", block({ ...json, "x-a": `b\r\nweft-user: x` })],
    ["a NUL in a value", block({ ...json, "x-a": "b\0c" })],
    ["a colon in a name", block({ ...json, "x:a": "b" })],
    ["a blank in a name", block({ ...json, "x a": "b" })],
    ["a name that is empty", block({ ...json, "": "b" })],
  ])("%s is dropped", async (_what, bytes) => {
    const http2 = await openHttp2(port);
    try {
      await http2.send(Buffer.concat([headers(1, bytes), data(1, Buffer.from("{}"), flag.endStream)]));
      await sleep(100);
      expect(
        probe.arrived
          .flatMap(({ headers }) => Object.keys(headers))
          .filter((it) => /^$|[ :]|^x-a$|^weft-user$/.test(it)),
      ).toEqual([]);
    } finally {
      http2[Symbol.dispose]();
    }
  });

  test("and a good one does", async () => {
    const http2 = await openHttp2(port);
    await http2.send(Buffer.concat([headers(1, block(json)), data(1, Buffer.from("{}"), flag.endStream)]));
    await vi.waitUntil(() => probe.arrived.length === 1, 5000);
    http2[Symbol.dispose]();
  });
});
