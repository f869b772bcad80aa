import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { block, data, flag, frame, headers, ping, preface, settings, type } from "./kit/frames.ts";
import { messages, openHttp2, opening, paths, unaryHeaders, wholeCall } from "./kit/http2.ts";
import type { Victim } from "./kit/open-victim.ts";
import { openVictim } from "./kit/open-victim.ts";
import type { Raw } from "./kit/raw.ts";
import { openRaw } from "./kit/raw.ts";
import { until } from "./kit/until.ts";

let victim: Victim;
beforeAll(async () => {
  victim = await openVictim({ headersMs: 1000, bodyMs: 1500, lingerMs: 1000, idleMs: 2000 });
});
afterAll(() => victim[Symbol.asyncDispose]());

/** Far more than the limits above, for a machine that is busy; far less than for ever. */
const patienceMs = 12_000;

/** Sends something small again and again, steadily, until the peer has enough. */
async function drip(raw: Raw, piece: Buffer | string, until: () => boolean = raw.isClosed): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!until()) {
    if (performance.now() > end) throw new Error("it may drip for ever");
    await raw.send(piece);
    await sleep(25);
  }
}

const byteAfterByte = async (raw: Raw, bytes: Buffer) => {
  for (const byte of bytes) {
    if (raw.isClosed()) return;
    await raw.send(Buffer.from([byte]));
    await sleep(25);
  }
};
const silence = async (raw: Raw) => raw.closed(patienceMs);
const unfinished = block(unaryHeaders(paths.createTeam));

const connections: Record<string, (raw: Raw) => Promise<void>> = {
  "that says nothing": silence,
  "that says nothing after its first byte": async (raw) => {
    await raw.send("P");
    await silence(raw);
  },
  "whose HTTP/1.1 headers drip": async (raw) => {
    await raw.send("GET /health/live HTTP/1.1\r\nHost: victim\r\nX-Slow: ");
    await drip(raw, "x");
  },
  "whose second HTTP/1.1 request drips": async (raw) => {
    await raw.send("GET /health/live HTTP/1.1\r\nHost: victim\r\n\r\n");
    await until(() => raw.received().includes("alive"));
    await raw.send("GET /health/live HTTP/1.1\r\nHost: victim\r\nX-Slow: ");
    await drip(raw, "x");
  },
  "whose HTTP/2 preface drips": async (raw) => {
    await byteAfterByte(raw, preface);
    await silence(raw);
  },
  "that stops within the HTTP/2 preface": async (raw) => {
    await raw.send(preface.subarray(0, 20));
    await silence(raw);
  },
  "that stops after the HTTP/2 preface": async (raw) => {
    await raw.send(preface);
    await silence(raw);
  },
  "whose HTTP/2 SETTINGS drip": async (raw) => {
    await raw.send(preface);
    await byteAfterByte(raw, settings({ 3: 1, 4: 1 }));
    await silence(raw);
  },
  "that speaks HTTP/2 and asks nothing": async (raw) => {
    await raw.send(Buffer.concat([preface, settings()]));
    await silence(raw);
  },
  "that speaks HTTP/2 and only pings": async (raw) => {
    await raw.send(Buffer.concat([preface, settings()]));
    await drip(raw, ping());
  },
  "whose HTTP/2 headers do not end": async (raw) => {
    await raw.send(Buffer.concat([preface, settings(), headers(1, unfinished, 0)]));
    await silence(raw);
  },
  "whose HTTP/2 CONTINUATION drips, beside a call that runs": async (raw) => {
    await raw.send(Buffer.concat([preface, settings(), wholeCall(1, paths.getTeam, messages.getTeam)]));
    await raw.send(headers(3, unfinished, 0));
    await raw.send(frame(type.continuation, 0, 3, Buffer.alloc(4000)).subarray(0, 9));
    await drip(raw, "x");
  },
  "that is closed on one side only": async (raw) => {
    await raw.send(Buffer.concat([preface, settings(), wholeCall(1, paths.getTeam, messages.getTeam)]));
    raw.socket.end();
    await silence(raw);
  },
};

test("every connection ends in time that does not come to the point", async () => {
  await victim.under(async () => {
    const endless: string[] = [];
    const attacks = Object.entries(connections).map(async ([which, attack]) => {
      using raw = await openRaw(victim.port);
      await attack(raw).catch((error) => endless.push(`${which}: ${error}`));
    });
    await Promise.all(attacks);
    expect(endless).toEqual([]);
  });
});

const types = ["application/proto", "application/json", "application/grpc", "application/grpc-web+proto"];

const post = (path: string, contentType: string, more: string) =>
  `POST ${path} HTTP/1.1\r\nHost: victim\r\nAuthorization: Bearer test\r\nContent-Type: ${contentType}\r\n${more}\r\n\r\n`;

const bodies: Record<string, () => Promise<void>> = {};
for (const contentType of types) {
  bodies[`${contentType} over HTTP/1.1 with a length`] = async () => {
    using raw = await openRaw(victim.port);
    await raw.send(post(paths.createTeam, contentType, "Content-Length: 100000"));
    await drip(raw, "\0");
  };
  bodies[`${contentType} over HTTP/1.1 in chunks`] = async () => {
    using raw = await openRaw(victim.port);
    await raw.send(post(paths.createTeam, contentType, "Transfer-Encoding: chunked"));
    await drip(raw, "1\r\n\0\r\n");
  };
  bodies[`${contentType} over HTTP/2`] = async () => {
    using raw = await openHttp2(victim.port);
    await raw.send(opening(1, paths.createTeam, contentType));
    await drip(raw, data(1, Buffer.alloc(1)), () => raw.resets.has(1) || raw.isClosed());
    expect(raw.resets.get(1), "only the stream ends").toBeDefined();
  };
}
const answeredEarly = {
  "a call without credentials": `POST ${paths.createTeam} HTTP/1.1\r\nHost: victim\r\nContent-Type: application/proto\r\n`,
  "an unknown path": "POST /nothing HTTP/1.1\r\nHost: victim\r\n",
  "a plain route": "GET /health/live HTTP/1.1\r\nHost: victim\r\n",
};
for (const [what, head] of Object.entries(answeredEarly)) {
  bodies[`that of ${what}, which is answered before it`] = async () => {
    using raw = await openRaw(victim.port);
    await raw.send(`${head}Content-Length: 100000\r\n\r\n`);
    await until(() => raw.received().startsWith("HTTP/1.1 "));
    await drip(raw, "\0");
  };
}
bodies["that of an HTTP/2 call without credentials, whose stream ends at once"] = async () => {
  using raw = await openHttp2(victim.port);
  const { authorization: _none, ...fields } = unaryHeaders(paths.createTeam);
  await raw.send(headers(1, block(fields), flag.endHeaders));
  await drip(raw, data(1, Buffer.alloc(1)), () => raw.resets.has(1) || raw.isClosed());
  expect(raw.resets.get(1)).toBe(0);
};

test("every body ends in time, however steadily it drips", async () => {
  await victim.under(async () => {
    const endless: string[] = [];
    const attacks = Object.entries(bodies).map(([which, attack]) =>
      attack().catch((error) => endless.push(`${which}: ${error}`)),
    );
    await Promise.all(attacks);
    expect(endless).toEqual([]);
  });
});
