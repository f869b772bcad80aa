import { afterAll, beforeAll, expect, test } from "vitest";
import { block, data, flag, frame, headers, ping, preface, settings, windowUpdate } from "./kit/frames.ts";
import type { Random } from "./kit/fuzz.ts";
import { firstSeed, fuzz, noise } from "./kit/fuzz.ts";
import { envelope, messages, paths, unaryHeaders } from "./kit/http2.ts";
import type { Victim } from "./kit/open-victim.ts";
import { openVictim } from "./kit/open-victim.ts";
import { openRaw } from "./kit/raw.ts";
import { insides, until } from "./kit/until.ts";

let victim: Victim;
beforeAll(async () => {
  victim = await openVictim({ headersMs: 1000, bodyMs: 1500, lingerMs: 500, idleMs: 1000 });
});
afterAll(() => victim[Symbol.asyncDispose]());

const allPaths = [
  paths.createTeam,
  paths.listTeams,
  "/grpc.health.v1.Health/Check",
  "/grpc.health.v1.Health/Watch",
  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
  "/health",
  "/metrics",
  "/nothing",
];
const types = [
  "application/proto",
  "application/json",
  "application/grpc",
  "application/grpc+json",
  "application/grpc-web+proto",
  "application/grpc-web-text",
  "application/connect+proto",
  "application/connect+json",
];
const isEnveloped = (contentType: string) => /grpc|connect/.test(contentType);

/** A request as it should be, in any of the protocols. */
function valid(random: Random): Buffer {
  const path = allPaths[random(allPaths.length)]!;
  const contentType = types[random(types.length)]!;
  const message = contentType.endsWith("json") ? Buffer.from('{"name":"x"}') : messages.createTeam;
  const body = isEnveloped(contentType) ? envelope(message) : message;
  const method = random(4) === 0 ? "GET" : "POST";
  if (random(2) === 0) {
    const chunked = random(2) === 0;
    const head = `${method} ${path}?encoding=json&message=%7B%7D HTTP/1.1\r\nHost: victim\r\nAuthorization: Bearer test\r\nContent-Type: ${contentType}\r\nConnect-Timeout-Ms: 300\r\n`;
    return Buffer.concat([
      Buffer.from(
        head + (chunked ? "Transfer-Encoding: chunked\r\n\r\n" : `Content-Length: ${body.length}\r\n\r\n`),
      ),
      ...(chunked
        ? [Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n0\r\n\r\n")]
        : [body]),
    ]);
  }
  const fields = { ...unaryHeaders(path, contentType), ":method": method, "connect-timeout-ms": "300" };
  return Buffer.concat([
    preface,
    settings({ 4: 65_535 }),
    headers(1, block({ ...fields, "grpc-timeout": "300m" }), flag.endHeaders),
    data(1, body, flag.endStream),
    windowUpdate(0, 1000),
    ping(),
    frame(1, flag.endHeaders | flag.endStream, 3, block({ ...fields, ":path": "/health" })),
  ]);
}

/** Something wrong with it: bytes changed, lost, doubled, put elsewhere, or the end missing. */
function mutated(bytes: Buffer, random: Random): Buffer {
  let result: Buffer = Buffer.from(bytes);
  for (let changes = random(4); changes >= 0 && result.length > 1; changes--) {
    const at = random(result.length);
    const length = 1 + random(Math.min(16, result.length));
    const [before, piece, after] = [
      result.subarray(0, at),
      result.subarray(at, at + length),
      result.subarray(at + length),
    ];
    const ways = [
      () => [before, noise(random, length), after],
      () => [before, after],
      () => [before, piece, piece, after],
      () => [before, noise(random, length), piece, after],
      () => [before],
      () => [before, Buffer.from([piece[0]! ^ (1 << random(8))]), piece.subarray(1), after],
      () => [after, piece, before],
    ];
    result = Buffer.concat(ways[random(ways.length)]!());
  }
  return result;
}

/**
 * Streams that are open to all, of which there may be only so many: where the
 * deadline was among what was mutated, a watch of health is answered and stays,
 * and reflection waits for its next question.
 */
const lasts = (bytes: Buffer, received: string): boolean =>
  (bytes.includes("Health/Watch") && received.includes(answerBegins)) ||
  bytes.includes("/ServerReflectionInfo");
/** The end of a GOAWAY with COMPRESSION_ERROR. */
const brokenCompression = "\0\0\0\x09";
/** HEADERS that do not end stream 1. */
const answerBegins = "\x01\x04\0\0\0\x01";

/** What one mutated request did wrong, if it did. */
async function attempt(random: Random): Promise<string | undefined> {
  const bytes = mutated(valid(random), random);
  using raw = await openRaw(victim.port);
  if (random(3) === 0) {
    const cut = random(bytes.length + 1);
    await raw.send(bytes.subarray(0, cut));
    await raw.send(bytes.subarray(cut));
  } else {
    await raw.send(bytes);
  }
  // Ended by us in half of the cases; else the server must end it itself, or answer.
  if (random(2) === 0) raw.socket.end();
  await until(() => raw.isClosed() || /^HTTP\/1\.1 \d/.test(raw.received()), 12_000).catch(() => {});
  // Node says no more of a peer that said GOAWAY and then broke its header compression: nghttp2 has
  // given it up, and the bound on its request or on its answer ends the connection.
  if (raw.received().includes(brokenCompression)) await until(() => raw.isClosed(), 20_000).catch(() => {});
  const received = raw.received();
  if (!raw.isClosed() && !received.startsWith("HTTP/1.1") && !lasts(bytes, received)) return "hangs";
  if (insides.test(received)) return `tells of the inside: ${received}`;
  return undefined;
}

test(`no mutation of a request crashes, hangs or opens the server (WEFT_FUZZ_SEED=${firstSeed})`, async () => {
  await victim.under(async () => {
    expect(await fuzz({ attempts: 3000, together: 600, attempt })).toEqual([]);
  });
  const logs = await victim.ask("logs");
  const ours = logs.filter((line) => /"request failed"|"route failed"/.test(line));
  expect(ours).toEqual([]);
}, 60_000);
