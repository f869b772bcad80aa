import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serverLimits } from "#mesh/bounds/limits.ts";
import { data } from "./kit/frames.ts";
import type { RawHttp2 } from "./kit/http2.ts";
import { envelope, messages, openHttp2, opening, paths, wholeCall } from "./kit/http2.ts";
import type { Victim } from "./kit/open-victim.ts";
import { openVictim } from "./kit/open-victim.ts";
import { until } from "./kit/until.ts";

let victim: Victim;
const heldMb = 24;
beforeAll(async () => {
  victim = await openVictim({ heldBytes: heldMb * 1024 * 1024, calls: 12_000, callsPerAddress: 12_000 });
});
afterAll(() => victim[Symbol.asyncDispose]());

const perConnection = serverLimits.streamsPerConnection;

describe("a peer that keeps streams open", () => {
  test("has no more than its share of them at work, and is turned away when it does not heed that", async () => {
    const { started } = await victim.under(async () => {
      using attacker = await openHttp2(victim.port);
      for (let sent = 0; sent < 10_000 && !attacker.isClosed(); sent += 100) {
        await attacker.send(
          Buffer.concat(
            Array.from({ length: 100 }, () =>
              wholeCall(attacker.nextStream(), paths.getTeam, messages.getTeam),
            ),
          ),
        );
      }
      await attacker.closed();
    });
    expect(started).toBeLessThanOrEqual(perConnection);
  });

  test("over many connections costs memory only as long as it stays", async () => {
    const connections = 80;
    const streams = 125;
    await victim.under(
      async (before) => {
        const attackers: RawHttp2[] = [];
        for (let i = 0; i < connections; i++) {
          const attacker = await openHttp2(victim.port);
          attackers.push(attacker);
          const calls = Array.from({ length: streams }, () =>
            wholeCall(attacker.nextStream(), paths.getTeam, messages.getTeam),
          );
          await attacker.send(Buffer.concat(calls));
        }
        const all = before.running + connections * streams;
        await until(async () => (await victim.ask("status")).running >= all, 60_000);
        for (const attacker of attackers) attacker[Symbol.dispose]();
      },
      { growthMb: 700 },
    );
  });

  const endless = {
    "bodies that do not end": [paths.createTeam, "application/proto"],
    "stream messages that do not end": [
      "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
      "application/grpc",
    ],
  } as const;
  test.each(Object.entries(endless))(
    "with %s holds no more than all calls together may",
    async (_what, [path, contentType]) => {
      const chunk = Buffer.alloc(16 * 1024);
      const chunks = 60;
      const start = envelope(Buffer.alloc(0), 0, serverLimits.messageBytes);
      await victim.under(
        async () => {
          using attacker = await openHttp2(victim.port);
          const streams = Array.from({ length: 100 }, () => attacker.nextStream());
          for (const stream of streams) {
            await attacker.send(Buffer.concat([opening(stream, path, contentType), data(stream, start)]));
          }
          for (let i = 0; i < chunks; i++) {
            for (const stream of streams) await attacker.send(data(stream, chunk));
          }
          // 94 MB were sent; what was not cut for it waits for more.
          await until(() => attacker.resets.size * chunk.length * chunks > (94 - heldMb - 8) * 1024 * 1024);
        },
        { growthMb: 150 },
      );
    },
  );
});
