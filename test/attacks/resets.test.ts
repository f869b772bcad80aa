import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serverLimits } from "#mesh/bounds/limits.ts";
import { data, reset, windowUpdate } from "./kit/frames.ts";
import type { RawHttp2 } from "./kit/http2.ts";
import { envelope, messages, openHttp2, opening, paths, wholeCall } from "./kit/http2.ts";
import type { Victim } from "./kit/open-victim.ts";
import { openVictim } from "./kit/open-victim.ts";

let victim: Victim;
beforeAll(async () => {
  victim = await openVictim();
});
afterAll(() => victim[Symbol.asyncDispose]());

const streams = 5000;
const endless = (id: number) => wholeCall(id, paths.getTeam, messages.getTeam);

/** One stream's worth of frames for each way to make streams that cost the server and not the client. */
const ways: Record<string, (stream: number) => Buffer> = {
  "opened and reset (CVE-2023-44487)": (id) => Buffer.concat([opening(id, paths.createTeam), reset(id)]),
  "reset without an error": (id) => Buffer.concat([opening(id, paths.createTeam), reset(id, 0)]),
  "whole calls, reset before their answer": (id) => Buffer.concat([endless(id), reset(id)]),
  "whole gRPC calls, reset before their answer": (id) =>
    Buffer.concat([wholeCall(id, paths.getTeam, envelope(messages.getTeam), "application/grpc"), reset(id)]),
  "that we must reset: window of nothing (CVE-2025-8671)": (id) =>
    Buffer.concat([endless(id), windowUpdate(id, 0)]),
  "that we must reset: window overflow (CVE-2025-8671)": (id) =>
    Buffer.concat([endless(id), windowUpdate(id, 0x7fffffff)]),
  "that we must reset: data after the end (CVE-2025-8671)": (id) =>
    Buffer.concat([endless(id), data(id, Buffer.alloc(1))]),
};

describe("a peer that opens streams only to have them reset is cut off", () => {
  for (const [way, framesOf] of Object.entries(ways)) {
    test(way, async () => {
      const { started } = await victim.under(async () => {
        using attacker = await openHttp2(victim.port);
        await flood(attacker, framesOf);
        await attacker.closed();
      });
      expect(started).toBeLessThanOrEqual(
        serverLimits.resetsPerTenSeconds + serverLimits.streamsPerConnection,
      );
    });
  }

  test("also when it waits until our handlers are at work", async () => {
    const { started } = await victim.under(async () => {
      using attacker = await openHttp2(victim.port);
      for (let sent = 0; sent < streams && !attacker.isClosed(); sent += 50) {
        const ids = Array.from({ length: 50 }, () => attacker.nextStream());
        await attacker.send(Buffer.concat(ids.map(endless)));
        await sleep(20);
        await attacker.send(Buffer.concat(ids.map((id) => windowUpdate(id, 0))));
      }
      await attacker.closed();
    });
    expect(started).toBeGreaterThan(0);
    expect(started).toBeLessThanOrEqual(serverLimits.resetsPerTenSeconds + serverLimits.streamsPerConnection);
  });

  test("also when it comes back again and again", async () => {
    const connections = 10;
    const { started } = await victim.under(async () => {
      for (let i = 0; i < connections; i++) {
        using attacker = await openHttp2(victim.port);
        await flood(attacker, ways["whole calls, reset before their answer"]!);
        await attacker.closed();
      }
    });
    expect(started).toBeLessThanOrEqual(
      connections * (serverLimits.resetsPerTenSeconds + serverLimits.streamsPerConnection),
    );
  });
});

async function flood(attacker: RawHttp2, framesOf: (stream: number) => Buffer): Promise<void> {
  for (let sent = 0; sent < streams; sent += 50) {
    const batch = Array.from({ length: 50 }, () => framesOf(attacker.nextStream()));
    if (!(await attacker.send(Buffer.concat(batch)))) return;
  }
}
