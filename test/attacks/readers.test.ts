import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, test } from "vitest";
import { block, data, flag, goaway, headers, initialWindowSize, ping, windowUpdate } from "./kit/frames.ts";
import { messages, openHttp2, paths, unaryHeaders, wholeCall } from "./kit/http2.ts";
import type { Victim } from "./kit/open-victim.ts";
import { openVictim } from "./kit/open-victim.ts";
import type { Raw } from "./kit/raw.ts";
import { openRaw } from "./kit/raw.ts";
import { until } from "./kit/until.ts";

let victim: Victim;
beforeAll(async () => {
  victim = await openVictim({ stalledReadMs: 300 });
});
afterAll(() => victim[Symbol.asyncDispose]());

const patienceMs = 20_000;
const calls = 60;
const askForMuch = (attacker: { nextStream(): number }) =>
  Buffer.concat(
    Array.from({ length: calls }, () =>
      wholeCall(attacker.nextStream(), paths.listTeams, messages.listTeams),
    ),
  );

/** Sends the same again and again until the connection ends. */
async function keepSending(raw: Raw, bytes: () => Buffer): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!raw.isClosed()) {
    if (performance.now() > end) throw new Error("the connection is still open");
    await raw.send(bytes());
    await sleep(20);
  }
}

describe("a peer that does not read its answers is cut off", () => {
  test("granting no window", async () => {
    await victim.under(async () => {
      using attacker = await openHttp2(victim.port, { settings: { [initialWindowSize]: 0 } });
      await attacker.send(askForMuch(attacker));
      await attacker.closed(patienceMs);
    }, held);
  });

  test("granting no window, and pinging all the time", async () => {
    await victim.under(async () => {
      using attacker = await openHttp2(victim.port, { settings: { [initialWindowSize]: 0 } });
      await attacker.send(askForMuch(attacker));
      await keepSending(attacker, () => ping());
    }, held);
  });

  test("granting a byte at a time", async () => {
    await victim.under(async () => {
      using attacker = await openHttp2(victim.port, { settings: { [initialWindowSize]: 1 } });
      await attacker.send(askForMuch(attacker));
      await keepSending(attacker, () =>
        Buffer.concat(Array.from({ length: calls }, (_, i) => windowUpdate(2 * i + 1, 1))),
      );
    }, held);
  });

  test("never emptying its receive buffer, over HTTP/2", async () => {
    await victim.under(async (before) => {
      using attacker = await openHttp2(victim.port, {
        reads: false,
        settings: { [initialWindowSize]: 2 ** 31 - 1 },
      });
      await attacker.send(windowUpdate(0, 2 ** 30));
      await attacker.send(askForMuch(attacker));
      await isForgotten(before.connections);
    }, held);
  });

  test("never emptying its receive buffer, over HTTP/1.1", async () => {
    await victim.under(async (before) => {
      const attackers = await Promise.all(
        Array.from({ length: 10 }, () => openRaw(victim.port, { reads: false })),
      );
      const body = '{"pageSize":500}';
      const request = `POST ${paths.listTeams} HTTP/1.1\r\nHost: victim\r\nAuthorization: Bearer test\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      for (const attacker of attackers) void attacker.send(request.repeat(12));
      await isForgotten(before.connections);
      for (const attacker of attackers) attacker[Symbol.dispose]();
    }, held);
  });

  test("having said GOAWAY and then broken its header compression, so that nghttp2 sends nothing more", async () => {
    await victim.under(async () => {
      using attacker = await openHttp2(victim.port);
      const stream = attacker.nextStream();
      const asked = { ...unaryHeaders("/grpc.health.v1.Health/Check", "application/grpc"), ":method": "GET" };
      const unknownIndex = Buffer.from([0xff, 0xff, 0x7f]);
      await attacker.send(
        Buffer.concat([
          headers(stream, block(asked)),
          data(stream, Buffer.alloc(0), flag.endStream),
          goaway(),
          headers(attacker.nextStream(), unknownIndex, flag.endHeaders | flag.endStream),
        ]),
      );
      await attacker.closed(patienceMs);
    });
  });

  test("asking for the metrics in a row without reading them", async () => {
    await victim.under(async (before) => {
      using attacker = await openRaw(victim.port, { reads: false });
      const request = "GET /metrics HTTP/1.1\r\nHost: victim\r\n\r\n";
      void (async () => {
        while (await attacker.send(request.repeat(10))) await sleep(5);
      })();
      await isForgotten(before.connections);
    });
  });
});

/** 60 answers of 1 MB each lie there until it is cut off, beside the objects that they were made of. */
const held = { growthMb: 400 };

async function isForgotten(connections: number): Promise<void> {
  // The attacker's own socket cannot tell: it does not read.
  await sleep(300);
  await until(async () => (await victim.ask("status")).connections <= connections, patienceMs);
}
