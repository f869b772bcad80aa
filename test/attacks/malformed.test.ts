import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { block, data, flag, frame, headers, number, type } from "./kit/frames.ts";
import { messages, openHttp2, paths, unaryHeaders } from "./kit/http2.ts";
import type { Victim } from "./kit/open-victim.ts";
import { openVictim } from "./kit/open-victim.ts";
import { openRaw } from "./kit/raw.ts";
import { insides, until } from "./kit/until.ts";

let victim: Victim;
beforeAll(async () => {
  victim = await openVictim({ headersMs: 1500, bodyMs: 2000, lingerMs: 500 });
});
afterAll(() => victim[Symbol.asyncDispose]());

const live = "/health/live";
const auth = "Authorization: Bearer test\r\n";
const json = '{"name":"x"}';
const rpc = (more: string, body: string) =>
  `POST ${paths.createTeam} HTTP/1.1\r\nHost: victim\r\n${auth}Content-Type: application/json\r\n${more}\r\n${body}`;

/** What is sent, and what the answer starts with: its status, or nothing where the connection just ends. */
const http1: Record<string, [bytes: string, answer: RegExp]> = {
  "no Host": [`GET ${live} HTTP/1.1\r\n\r\n`, /^HTTP\/1.1 400 /],
  "no Host, from the time before it": [`GET ${live} HTTP/1.0\r\n\r\n`, /^HTTP\/1.1 200 /],
  "a call with a Host that is none": [
    `POST ${paths.createTeam} HTTP/1.1\r\nHost: [\r\n${auth}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
    /^HTTP\/1.1 400 /,
  ],
  "a call without Host over HTTP/1.0": [
    `POST ${paths.createTeam} HTTP/1.0\r\n${auth}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
    /^HTTP\/1.1 400 /,
  ],
  "a whole address": [`GET http://other.example${live} HTTP/1.1\r\nHost: victim\r\n\r\n`, /^HTTP\/1.1 404 /],
  "a path that starts like a host": [`GET //${live} HTTP/1.1\r\nHost: victim\r\n\r\n`, /^HTTP\/1.1 404 /],
  "a path that climbs": [`GET /../../etc/passwd HTTP/1.1\r\nHost: victim\r\n\r\n`, /^HTTP\/1.1 404 /],
  "a path with NUL": [`GET /\0 HTTP/1.1\r\nHost: victim\r\n\r\n`, /^HTTP\/1.1 400 /],
  "a header with NUL": [`GET ${live} HTTP/1.1\r\nHost: victim\r\nX-A: \0\r\n\r\n`, /^HTTP\/1.1 400 /],
  "a path that is no ASCII": [`GET /\xff\xfe HTTP/1.1\r\nHost: victim\r\n\r\n`, /^HTTP\/1.1 4/],
  "a path of bad escapes": [`GET /%zz%ff%c0%af HTTP/1.1\r\nHost: victim\r\n\r\n`, /^HTTP\/1.1 404 /],
  CONNECT: ["CONNECT other.example:443 HTTP/1.1\r\nHost: victim\r\n\r\n", /^$/],
  TRACE: [`TRACE ${live} HTTP/1.1\r\nHost: victim\r\nX-Secret: 1\r\n\r\n`, /^HTTP\/1.1 404 (?!.*X-Secret)/s],
  "OPTIONS *": ["OPTIONS * HTTP/1.1\r\nHost: victim\r\n\r\n", /^HTTP\/1.1 404 /],
  "a method that does not exist": [`FETCH ${live} HTTP/1.1\r\nHost: victim\r\n\r\n`, /^HTTP\/1.1 400 /],
  "GET of a call that changes things": [
    `GET ${paths.createTeam} HTTP/1.1\r\nHost: victim\r\n${auth}\r\n`,
    /^HTTP\/1.1 405 /,
  ],
  "POST of a health path": [
    `POST ${live} HTTP/1.1\r\nHost: victim\r\nContent-Length: 0\r\n\r\n`,
    /^HTTP\/1.1 404 /,
  ],
  "an upgrade to HTTP/2": [
    `GET ${live} HTTP/1.1\r\nHost: victim\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`,
    /^HTTP\/1.1 200 /,
  ],
  "an upgrade to WebSocket": [
    `GET ${live} HTTP/1.1\r\nHost: victim\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    /^HTTP\/1.1 200 /,
  ],
  "an expectation that nobody knows": [
    `GET ${live} HTTP/1.1\r\nHost: victim\r\nExpect: the-worst\r\n\r\n`,
    /^HTTP\/1.1 417 /,
  ],
  "a length and chunks (smuggling)": [
    rpc(
      "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
      `${json.length.toString(16)}\r\n${json}\r\n0\r\n\r\n`,
    ),
    /^HTTP\/1.1 400 /,
  ],
  "two lengths (smuggling)": [
    rpc(`Content-Length: ${json.length}\r\nContent-Length: 4\r\n`, json),
    /^HTTP\/1.1 400 /,
  ],
  "a length that is no number (smuggling)": [rpc("Content-Length: +12\r\n", json), /^HTTP\/1.1 400 /],
  "a negative length (smuggling)": [rpc("Content-Length: -1\r\n", json), /^HTTP\/1.1 400 /],
  "an encoding that only looks like chunks (smuggling)": [
    rpc("Transfer-Encoding: xchunked\r\n", `c\r\n${json}\r\n0\r\n\r\n`),
    /^(HTTP\/1.1 400 |$)/,
  ],
  "chunks that are not last (smuggling)": [
    rpc("Transfer-Encoding: chunked, identity\r\n", `c\r\n${json}\r\n0\r\n\r\n`),
    /^HTTP\/1.1 400 /,
  ],
  "a chunk whose size is no number": [rpc("Transfer-Encoding: chunked\r\n", "zz\r\n"), /^(HTTP\/1.1 400 |$)/],
  "a chunk of more bytes than there are": [
    rpc("Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\n"),
    /^(HTTP\/1.1 4|$)/,
  ],
  "a folded header (smuggling)": [
    rpc(`X-A: b\r\n Content-Length: 4\r\nContent-Length: 12\r\n`, json),
    /^HTTP\/1.1 (400|200) /,
  ],
  "a space before the colon (smuggling)": [rpc("Content-Length : 12\r\n", json), /^HTTP\/1.1 400 /],
  "lines that end in LF alone (smuggling)": [`GET ${live} HTTP/1.1\nHost: victim\n\n`, /^HTTP\/1.1 400 /],
  "no HTTP at all": ["\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", /^HTTP\/1.1 400 /],
  "the start of an HTTP/2 preface and then something else": [
    "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
    /^HTTP\/1.1 400 /,
  ],
};

describe("a request that is not as it should be", () => {
  test("over HTTP/1.1 gets the right status and nothing of the inside, and is noted", async () => {
    const { started } = await victim.under(async () => {
      const wrong: string[] = [];
      for (const [what, [bytes, expected]] of Object.entries(http1)) {
        using raw = await openRaw(victim.port);
        const logged = (await victim.ask("logs")).length;
        await raw.send(Buffer.from(bytes, "latin1"));
        await until(() => raw.received() !== "" || raw.isClosed());
        if (!expected.test(raw.received())) wrong.push(`${what}: ${raw.received().split("\r\n", 1)[0]}`);
        if (insides.test(raw.received())) wrong.push(`${what}: tells of the inside`);
        // Routine probes and what Node ends by itself leave none.
        if (/^HTTP\/1.1 4(?!17)/.test(raw.received())) {
          await until(async () => (await victim.ask("logs")).length > logged).catch(() =>
            wrong.push(`${what}: not noted`),
          );
        }
      }
      expect(wrong).toEqual([]);
    });
    // The folded header is one request that Node may understand.
    expect(started).toBeLessThanOrEqual(1);
  });

  const fields = unaryHeaders(paths.createTeam);
  const without = (name: string) => Object.fromEntries(Object.entries(fields).filter(([it]) => it !== name));
  const head = (values: Record<string, string>, flags: number = flag.endHeaders) =>
    headers(1, block(values), flags);
  const body = data(1, messages.createTeam, flag.endStream);
  const http2: Record<string, Buffer[]> = {
    "no authority": [head(without(":authority")), body],
    "an authority that is none": [head({ ...fields, ":authority": "[" }), body],
    "no method": [head(without(":method")), body],
    "no path": [head(without(":path")), body],
    "an empty path": [head({ ...fields, ":path": "" }), body],
    "a path that starts like a host": [head({ ...fields, ":path": "//other.example/x" }), body],
    "a path with NUL": [head({ ...fields, ":path": "/\0" }), body],
    CONNECT: [head({ ":method": "CONNECT", ":authority": "other.example:443" })],
    "headers in capitals": [head({ ...fields, "X-Capital": "1" }), body],
    "headers of a connection": [head({ ...fields, connection: "close" }), body],
    "a pseudo-header at the end": [head({ ...fields, ":late": "1" }), body],
    "a length that lies": [head({ ...fields, "content-length": "100" }), body],
    "an expectation that nobody knows": [head({ ...fields, expect: "the-worst" }), body],
    "an upgrade": [head({ ...fields, upgrade: "websocket" }), body],
    "headers that cannot be decoded": [headers(1, Buffer.alloc(100, 0xff))],
    "data before headers": [data(1, messages.createTeam, flag.endStream)],
    "data on the connection": [data(0, messages.createTeam)],
    "an even stream": [headers(2, block(fields))],
    "a stream that depends on itself": [
      frame(
        type.headers,
        flag.endHeaders | 0x20,
        1,
        Buffer.concat([number(1), Buffer.from([0]), block(fields)]),
      ),
      body,
    ],
    "a frame that is too long": [frame(type.data, 0, 1, Buffer.alloc(20_000))],
    "padding that is longer than its frame": [head(fields), frame(type.data, 8, 1, Buffer.from([255, 0]))],
    "a push from the client": [
      frame(type.pushPromise, flag.endHeaders, 1, Buffer.concat([number(2), block(fields)])),
    ],
    "a frame of a kind that nobody knows": [frame(0xee, 0xff, 1, Buffer.alloc(100)), head(fields), body],
    "a PING of the wrong length": [frame(type.ping, 0, 0, Buffer.alloc(7))],
    "a setting out of bounds": [frame(type.settings, 0, 0, Buffer.from([0, 4, 0xff, 0xff, 0xff, 0xff]))],
    "a window that overflows": [frame(type.windowUpdate, 0, 0, number(0x7fffffff))],
    "something between headers and their continuation": [
      headers(1, block(fields), 0),
      frame(type.ping, 0, 0, Buffer.alloc(8)),
    ],
    "a GOAWAY, and a call after it": [frame(type.goaway, 0, 0, Buffer.alloc(8)), head(fields), body],
  };

  test("over HTTP/2 is answered or ended, and others go on", async () => {
    await victim.under(async () => {
      const silent: string[] = [];
      for (const [what, frames] of Object.entries(http2)) {
        let answered = false;
        using attacker = await openHttp2(victim.port, {
          onFrame: (it) => {
            if (it.stream > 0 || it.type === type.goaway) answered = true;
          },
        });
        await attacker.send(Buffer.concat(frames));
        await until(() => answered || attacker.isClosed(), 8000).catch(() => silent.push(what));
        expect(attacker.received(), what).not.toMatch(insides);
      }
      expect(silent).toEqual([]);
    });
  });
});
