import { expect, test } from "vitest";
import { startCanary } from "./kit/canary.ts";
import { messages, openHttp2, paths, wholeCall } from "./kit/http2.ts";
import { openVictim } from "./kit/open-victim.ts";
import { codeOf, post } from "./kit/post.ts";
import type { Raw } from "./kit/raw.ts";
import { openRaw } from "./kit/raw.ts";
import { until } from "./kit/until.ts";

const call = {
  path: paths.createTeam,
  headers: { "content-type": "application/proto", authorization: "Bearer test" },
  body: messages.createTeam,
};

test("connections beyond the limit are dropped, and there is room again when they end", async () => {
  const connections = 50;
  await using victim = await openVictim({ connections, headersMs: 1500 });
  const early = await openHttp2(victim.port);
  const crowd: Raw[] = [];
  for (let i = 0; i < 300; i++) crowd.push(await openRaw(victim.port));

  expect((await victim.ask("status")).connections).toBe(connections);
  await until(() => crowd.filter((raw) => raw.isClosed()).length >= crowd.length - connections);
  // Who was there before is served.
  await early.send(wholeCall(early.nextStream(), paths.createTeam, messages.createTeam));
  await until(() => early.count(0) > 0);

  // The crowd says nothing, and goes when its time is up.
  await until(() => crowd.every((raw) => raw.isClosed()));
  const canary = await startCanary(victim.port);
  await canary.answers(10);
  await canary.stop();
  expect(canary.failures).toEqual([]);
  early[Symbol.dispose]();
});

test("calls beyond the limit are refused so that they may be tried again", async () => {
  const calls = 100;
  await using victim = await openVictim({ calls });
  using attacker = await openHttp2(victim.port);
  for (let i = 0; i < calls; i++) {
    await attacker.send(wholeCall(attacker.nextStream(), paths.getTeam, messages.getTeam));
  }
  await until(async () => (await victim.ask("status")).running === calls);

  expect(codeOf(await post(victim.port, { version: 1, ...call }))).toBe("http 503");
  const refused = attacker.nextStream();
  await attacker.send(wholeCall(refused, paths.createTeam, messages.createTeam));
  await until(() => attacker.resets.has(refused));
  const refusedStream = 7;
  expect(attacker.resets.get(refused)).toBe(refusedStream);

  attacker[Symbol.dispose]();
  await until(async () => (await victim.ask("status")).running === 0);
  expect((await post(victim.port, { version: 1, ...call })).status).toBe(200);
});

test("calls whose connection breaks are no longer counted", async () => {
  await using victim = await openVictim({ calls: 30, callsPerAddress: 30 });
  const request = `POST ${paths.deleteTeam} HTTP/1.1\r\nHost: victim\r\nAuthorization: Bearer test\r\nContent-Type: application/proto\r\nContent-Length: ${messages.getTeam.length}\r\n\r\n${messages.getTeam}`;
  for (let round = 0; round < 10; round++) {
    using http1 = await openRaw(victim.port);
    await http1.send(request.repeat(10));
    using http2 = await openHttp2(victim.port);
    for (let i = 0; i < 10; i++) {
      await http2.send(wholeCall(http2.nextStream(), paths.getTeam, messages.getTeam));
    }
    await until(async () => (await victim.ask("status")).running >= 20);
  }
  await until(async () => (await post(victim.port, { version: 1, ...call })).status === 200);
});
