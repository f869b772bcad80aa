import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serverLimits } from "#mesh/bounds/limits.ts";
import { data, frame, number, ping, settings, type, windowUpdate } from "./kit/frames.ts";
import type { RawHttp2 } from "./kit/http2.ts";
import { messages, openHttp2, opening, paths, wholeCall } from "./kit/http2.ts";
import type { Victim } from "./kit/open-victim.ts";
import { openVictim } from "./kit/open-victim.ts";
import { openRaw } from "./kit/raw.ts";
import { until } from "./kit/until.ts";

let victim: Victim;
beforeAll(async () => {
  victim = await openVictim();
});
afterAll(() => victim[Symbol.asyncDispose]());

const frames = 200_000;

/** Sends that many of a frame, or fewer when the connection ends. */
async function flood(attacker: RawHttp2, one: Buffer): Promise<void> {
  const batch = Buffer.concat(Array.from({ length: 1000 }, () => one));
  for (let sent = 0; sent < frames; sent += 1000) {
    if (!(await attacker.send(batch))) return;
  }
}

describe("a flood of frames that ask for nothing ends its connection", () => {
  const floods: Record<string, Buffer> = {
    "PING (CVE-2019-9512)": ping(),
    "SETTINGS (CVE-2019-9515)": settings(),
    "SETTINGS that change the window": settings({ 4: 65535 }),
    "empty DATA (CVE-2019-9518)": data(1, Buffer.alloc(0)),
  };
  for (const [what, one] of Object.entries(floods)) {
    test(what, async () => {
      await victim.under(async () => {
        using attacker = await openHttp2(victim.port);
        await attacker.send(opening(1, paths.createTeam));
        await flood(attacker, one);
        await attacker.closed();
      });
    });
  }

  test("PING whose answers are not read", async () => {
    await victim.under(async ({ connections }) => {
      using attacker = await openHttp2(victim.port, { reads: false });
      void flood(attacker, ping());
      await sleep(300);
      await until(async () => (await victim.ask("status")).connections <= connections);
    });
  });
});

describe("a flood of frames that are cheap is borne", () => {
  const floods: Record<string, Buffer> = {
    "PRIORITY (CVE-2019-9513)": frame(type.priority, 0, 1, Buffer.concat([number(3), Buffer.from([7])])),
    WINDOW_UPDATE: windowUpdate(0, 1),
    "frames of a kind that nobody knows": frame(0xee, 0, 0),
    "DATA of one byte for a stream that is no more": data(1, Buffer.alloc(1)),
  };
  for (const [what, one] of Object.entries(floods)) {
    test(what, async () => {
      await victim.under(async () => {
        using attacker = await openHttp2(victim.port);
        await attacker.send(wholeCall(1, paths.createTeam, messages.createTeam));
        await flood(attacker, one);
      });
    });
  }

  test("DATA of one byte, for a message that does not end", async () => {
    await victim.under(async () => {
      using attacker = await openHttp2(victim.port);
      await attacker.send(opening(1, paths.createTeam, "application/grpc"));
      await attacker.send(data(1, Buffer.from([0, 0, 0x30, 0, 0])));
      await flood(attacker, data(1, Buffer.alloc(1)));
    });
  });
});

describe("requests behind each other on one HTTP/1.1 connection", () => {
  test("start no more handlers than may wait there", async () => {
    const body = '{"pageSize":0}';
    const request = `POST ${paths.listTeams} HTTP/1.1\r\nHost: victim\r\nAuthorization: Bearer test\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const { started } = await victim.under(async () => {
      using raw = await openRaw(victim.port);
      await raw.send(request.repeat(10_000));
      await raw.closed();
    });
    expect(started).toBeLessThanOrEqual(serverLimits.pipelinedRequests);
  });

  test("are all answered while they are few", async () => {
    const answers = 10;
    await victim.under(async () => {
      using raw = await openRaw(victim.port);
      await raw.send("GET /health/live HTTP/1.1\r\nHost: victim\r\n\r\n".repeat(answers - 1));
      await raw.send("GET /health/live HTTP/1.1\r\nHost: victim\r\nConnection: close\r\n\r\n");
      await raw.closed();
      expect(raw.received().match(/HTTP\/1\.1 200/g)).toHaveLength(answers);
    });
  });
});
