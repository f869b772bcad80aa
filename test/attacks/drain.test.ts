import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { expect, test } from "vitest";
import { TeamService } from "#gen/user/v1/team_pb.js";
import { type } from "./kit/frames.ts";
import { messages, openHttp2, paths, wholeCall } from "./kit/http2.ts";
import { openVictim } from "./kit/open-victim.ts";
import { openRaw } from "./kit/raw.ts";
import { until } from "./kit/until.ts";
import { drainGraceMs } from "./kit/victim-talk.ts";

const headers = { authorization: "Bearer test" };
const id = "019aa0b6-7a5c-7000-8000-000000000000";

test("what runs is finished, what is idle is closed, and what comes is turned away", async () => {
  await using victim = await openVictim();
  const baseUrl = `http://127.0.0.1:${victim.port}`;
  const grpc = new Http2SessionManager(baseUrl);
  const connect = new Http2SessionManager(baseUrl);
  const clients = [
    createGrpcTransport({ baseUrl, sessionManager: grpc }),
    createConnectTransport({ baseUrl, sessionManager: connect, httpVersion: "2" }),
    createConnectTransport({ baseUrl, httpVersion: "1.1" }),
  ].map((transport) => createClient(TeamService, transport));
  using idle2 = await openHttp2(victim.port);
  using idle1 = await openRaw(victim.port);
  await idle1.send("GET /health/live HTTP/1.1\r\nHost: victim\r\n\r\n");
  await until(() => idle1.received().includes("alive") && idle2.count(type.settings) > 0);
  using silent = await openRaw(victim.port);

  // Each takes half a second.
  const calls = clients.flatMap((client) =>
    Array.from({ length: 10 }, () => client.deleteTeam({ id }, { headers })),
  );
  await until(async () => (await victim.ask("status")).running === calls.length);
  const { tookMs } = await victim.ask("drain");

  const ends = await Promise.allSettled(calls);
  expect(ends.filter(({ status }) => status === "rejected")).toEqual([]);
  expect(tookMs, "kept-alive connections did not use up the grace").toBeLessThan(drainGraceMs);
  for (const raw of [idle1, idle2, silent]) await raw.closed();
  expect(idle2.goaway()).toBe(0);
  await expect(openRaw(victim.port)).rejects.toThrow(/ECONNREFUSED/);
  for (const manager of [grpc, connect]) manager.abort();
});

test("an HTTP/1.1 client is told that its connection closes", async () => {
  await using victim = await openVictim();
  using raw = await openRaw(victim.port);
  const body = JSON.stringify({ id });
  await raw.send(
    `POST ${paths.deleteTeam} HTTP/1.1\r\nHost: victim\r\nAuthorization: Bearer test\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await until(async () => (await victim.ask("status")).running === 1);
  await victim.ask("drain");
  await raw.closed();
  expect(raw.received()).toMatch(/^HTTP\/1.1 200 /);
  expect(raw.received()).toMatch(/^connection: close\r$/im);
});

test("an HTTP/2 client is told which of its calls nobody will begin", async () => {
  await using victim = await openVictim();
  const answered = new Set<number>();
  let lastStream: number | undefined;
  const raw = await openHttp2(victim.port, {
    onFrame: (frame, send) => {
      if (frame.type === type.headers) answered.add(frame.stream);
      if (frame.type !== type.goaway || lastStream !== undefined) return;
      lastStream = frame.payload.readUInt32BE(0);
      send(wholeCall(3, paths.createTeam, messages.createTeam));
    },
  });
  await raw.send(wholeCall(1, paths.deleteTeam, messages.getTeam));
  await until(async () => (await victim.ask("status")).running === 1);
  const { started } = await victim.ask("status");
  await victim.ask("drain");
  await raw.closed();
  expect(lastStream).toBe(1);
  expect([...answered]).toEqual([1]);
  expect((await victim.ask("status")).started).toBe(started);
});

test("what does not end in time is cut", async () => {
  await using victim = await openVictim();
  using http2 = await openHttp2(victim.port);
  await http2.send(wholeCall(http2.nextStream(), paths.getTeam, messages.getTeam));
  using http1 = await openRaw(victim.port);
  await http1.send(`POST ${paths.createTeam} HTTP/1.1\r\nHost: victim\r\nContent-Length: 100\r\n`);
  await until(async () => (await victim.ask("status")).running === 1);
  await sleep(100);
  await victim.ask("cut");
  await http2.closed();
  await http1.closed();
  expect((await victim.ask("logs")).join("")).toContain("they outlasted the grace period");
});
