import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { block, data, flag, headers, type } from "../attacks/kit/frames.ts";
import { openHttp2 } from "../attacks/kit/http2.ts";
import type { Raw } from "../attacks/kit/raw.ts";
import { openRaw } from "../attacks/kit/raw.ts";
import { until } from "../attacks/kit/until.ts";
import type { SlowDoor } from "./kit/open-slow-door.ts";
import { doorLimits, openSlowDoor } from "./kit/open-slow-door.ts";

let door: SlowDoor;
beforeAll(async () => {
  door = await openSlowDoor();
}, 30_000);
afterAll(() => door?.[Symbol.asyncDispose]());

/** Far more than the bounds, for a machine that is busy. */
const patienceMs = 12_000;
const head = (method: string, path: string, ...more: readonly string[]) =>
  `${[`${method} ${path} HTTP/1.1`, "Host: door", ...more].join("\r\n")}\r\n\r\n`;
const json = "Content-Type: application/json";

/** Sends something small again and again until the gateway has enough. */
async function drip(raw: Raw, piece: Buffer | string, isOver: () => boolean = raw.isClosed): Promise<void> {
  const endMs = performance.now() + patienceMs;
  while (!isOver()) {
    if (performance.now() > endMs) throw new Error("it may drip for ever");
    await raw.send(piece);
    await sleep(25);
  }
}

/** One of a crowd, which comes from an address of its own. */
async function comeFrom(from: string, port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", localAddress: from, port });
  socket.on("error", () => {});
  socket.resume();
  await once(socket, "connect");
  return socket;
}
const isGone = (socket: Socket) => socket.destroyed || socket.readableEnded;

const statusIn = (raw: Raw) => Number(/^HTTP\/1\.1 (\d{3})/.exec(raw.received())?.[1] ?? 0);

const bodies: Record<string, { sent: string; piece: string; status: number }> = {
  "of a known length": {
    sent: head("POST", "/api/v1/say", json, "Content-Length: 100000"),
    piece: " ",
    status: 408,
  },
  "in chunks": {
    sent: head("POST", "/api/v1/say", json, "Transfer-Encoding: chunked"),
    piece: "1\r\n \r\n",
    status: 408,
  },
  "packed by gzip": {
    sent: head("POST", "/api/v1/say", json, "Content-Encoding: gzip", "Content-Length: 100000"),
    piece: "\x1f",
    status: 408,
  },
  "of a route that strangers may not use": {
    sent: head("POST", "/api/v1/mine", json, "Content-Length: 100000"),
    piece: " ",
    status: 401,
  },
  "of no route": {
    sent: head("POST", "/api/v1/nothing", json, "Content-Length: 100000"),
    piece: " ",
    status: 404,
  },
  "of a verb that is not there": {
    sent: head("DELETE", "/api/v1/say", json, "Content-Length: 100000"),
    piece: " ",
    status: 405,
  },
  "that says it is too large": {
    sent: head("POST", "/api/v1/say", json, "Content-Length: 100000000"),
    piece: " ",
    status: 413,
  },
  "of a GET": {
    sent: head("GET", "/api/v1/much", json, "Content-Length: 100000"),
    piece: " ",
    status: 408,
  },
  "of a preflight": {
    sent: head(
      "OPTIONS",
      "/api/v1/say",
      "Origin: http://a.example",
      "Access-Control-Request-Method: POST",
      "Content-Length: 100000",
    ),
    piece: " ",
    status: 204,
  },
};

test("every body that drips ends in time, and its sender is told", async () => {
  await door.under(
    async () => {
      const endless: string[] = [];
      const statuses: Record<string, number> = {};
      const attacks = Object.entries(bodies).map(async ([which, { sent, piece }]) => {
        using raw = await openRaw(door.port);
        await raw.send(sent);
        await drip(raw, piece).catch((error) => endless.push(`${which}: ${error}`));
        statuses[which] = statusIn(raw);
      });
      await Promise.all(attacks);
      expect(endless).toEqual([]);
      expect(statuses).toEqual(
        Object.fromEntries(Object.entries(bodies).map(([which, { status }]) => [which, status])),
      );
    },
    { grownMb: 60 },
  );
});

test("over HTTP/2 a body that drips ends its stream, and the others on the connection go on", async () => {
  await door.under(
    async () => {
      using raw = await openHttp2(door.port);
      const fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": "/api/v1/say",
        ":authority": "door",
        "content-type": "application/json",
      };
      const opened = Array.from({ length: 20 }, () => raw.nextStream());
      for (const stream of opened) await raw.send(headers(stream, block(fields), flag.endHeaders));
      const pieces = () => Buffer.concat(opened.map((stream) => data(stream, Buffer.from(" "))));
      const endMs = performance.now() + patienceMs;
      while (!opened.every((it) => raw.resets.has(it))) {
        expect(performance.now(), "it may drip for ever").toBeLessThan(endMs);
        expect(raw.isClosed()).toBe(false);
        await raw.send(pieces());
        await sleep(25);
      }
      // Each was told first.
      expect(raw.count(type.headers)).toBe(opened.length);
      const whole = raw.nextStream();
      const framesBefore = raw.count(0);
      await raw.send(headers(whole, block(fields), flag.endHeaders));
      await raw.send(data(whole, Buffer.from('{"text":"x"}'), flag.endStream));
      await until(() => raw.count(0) > framesBefore);
    },
    { grownMb: 60 },
  );
});

test("a body that becomes too large, packed or not, costs no more memory than is allowed", async () => {
  const packed = gzipSync(Buffer.alloc(200 * 1024 * 1024, " "));
  await door.under(
    async () => {
      const statuses: number[] = [];
      const bombs = Array.from({ length: 10 }, async () => {
        using raw = await openRaw(door.port);
        const length = `Content-Length: ${packed.length}`;
        await raw.send(head("POST", "/api/v1/say", json, "Content-Encoding: gzip", length));
        await raw.send(packed);
        await until(() => statusIn(raw) !== 0);
        statuses.push(statusIn(raw));
      });
      const floods = Array.from({ length: 10 }, async () => {
        using raw = await openRaw(door.port);
        await raw.send(head("POST", "/api/v1/say", json, "Transfer-Encoding: chunked"));
        const piece = `10000\r\n${" ".repeat(0x10000)}\r\n`;
        // 100 MB each, were they let.
        for (let at = 0; at < 1600 && !raw.isClosed(); at++) await raw.send(piece);
        await raw.closed(patienceMs);
        statuses.push(statusIn(raw));
      });
      await Promise.all([...bombs, ...floods]);
      expect(statuses).toEqual(Array(20).fill(413));
    },
    { grownMb: 150 },
  );
});

test("answers that nobody reads are given up, and their connections ended", async () => {
  await door.under(
    async () => {
      const before = (await door.report()).connections;
      const readers = await Promise.all(
        Array.from({ length: 12 }, () => openRaw(door.port, { reads: false })),
      );
      // 1 MB each.
      for (const raw of readers) void raw.send(head("GET", "/api/v1/much").repeat(10));
      await until(async () => (await door.report()).connections <= before + 1, 20_000);
      for (const raw of readers) raw[Symbol.dispose]();
    },
    { grownMb: 400 },
  );
});

test("more than a thousand idle connections cost little, and go when their time is up", async () => {
  const perAddress = 400;
  const addresses = ["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"];
  await door.under(
    async () => {
      const crowd: Socket[] = [];
      for (let at = 0; at < perAddress; at++) {
        const opened = addresses.map((from) => comeFrom(from, door.port));
        for (const socket of await Promise.all(opened)) {
          // Half of them have been served once.
          socket.write(at % 2 ? head("GET", "/nothing") : "GET /noth");
          crowd.push(socket);
        }
      }
      await until(() => crowd.every(isGone), 20_000);
      for (const socket of crowd) socket.destroy();
    },
    { grownMb: 150 },
  );
});

test("one address gets so many connections and no more", async () => {
  await door.under(
    async () => {
      const crowd: Socket[] = [];
      for (let at = 0; at < doorLimits.connectionsPerAddress + 100; at++) {
        crowd.push(await comeFrom("127.0.0.6", door.port));
      }
      await until(() => crowd.filter(isGone).length >= 100);
      expect((await door.report()).connections).toBeLessThanOrEqual(doorLimits.connectionsPerAddress + 20);
      for (const socket of crowd) socket.destroy();
    },
    { grownMb: 100 },
  );
});
