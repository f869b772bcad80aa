import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, test } from "vitest";
import { ProbeService } from "#mesh/testing/probe.ts";
import { hostProbe } from "./kit/probe-host.ts";

const get = async (url: string, path: string) => {
  const answer = await fetch(`${url}${path}`);
  const text = await answer.text();
  const isJson = answer.headers.get("content-type") === "application/json";
  return {
    status: answer.status,
    type: answer.headers.get("content-type"),
    text,
    json: isJson ? JSON.parse(text) : {},
  };
};
const dependency = (name: string, critical: boolean, well: () => boolean) => ({
  name,
  critical,
  check: () => {
    if (!well()) throw new Error(`${name} is gone`);
  },
});

describe("health by HTTP", () => {
  test("has the members that probes and people look for", async () => {
    await using probe = await hostProbe([
      {},
      ({ health }) => health.add(dependency("database", true, () => true)),
    ]);
    const { status, json } = await get(probe.url, "/health");
    expect(status).toBe(200);
    expect(json).toEqual({
      service: "probe",
      status: "healthy",
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      port: probe.port,
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      uptime_seconds: expect.any(Number),
      dependencies: { database: "healthy", nats: "healthy", revocations: "healthy" },
      metrics: {
        uptime_seconds: expect.any(Number),
        active_connections: expect.any(Number),
        memory_usage_mb: expect.any(Number),
      },
    });
    expect(json.metrics.active_connections).toBeGreaterThan(0);
    expect(json.metrics.memory_usage_mb).toBeGreaterThan(10);
  });

  test("tells in detail how each dependency is, how the event loop runs and how full the disk is", async () => {
    await using probe = await hostProbe([
      {},
      ({ health }) => health.add(dependency("cache", false, () => false)),
    ]);
    await sleep(300);
    const { status, json } = await get(probe.url, "/health/detailed");
    expect(status).toBe(200);
    expect(json).toMatchObject({
      status: "degraded",
      dependencies: {
        nats: { status: "healthy", critical: false, latency_ms: expect.any(Number) },
        cache: { status: "unhealthy", critical: false, error: "cache is gone" },
      },
      event_loop_lag_ms: { p50: expect.any(Number), p99: expect.any(Number) },
      disk: { free_gb: expect.any(Number), used_percent: expect.any(Number) },
    });
    // Of a process that does nothing; the sampling interval of 20 ms must not count as lag.
    expect(json.event_loop_lag_ms.p50).toBeGreaterThanOrEqual(0);
    expect(json.event_loop_lag_ms.p50).toBeLessThan(20);
  });

  test.each([
    ["all well", true, true, 200, "healthy", "ready"],
    ["something else down", true, false, 200, "degraded", "ready"],
    ["something critical down", false, true, 503, "unhealthy", "not ready"],
  ])("with %s", async (_name, database, cache, status, health, ready) => {
    await using probe = await hostProbe([
      {},
      (given) => {
        given.health.add(dependency("database", true, () => database));
        given.health.add(dependency("cache", false, () => cache));
      },
    ]);
    expect(await get(probe.url, "/health")).toMatchObject({ status, json: { status: health } });
    expect(await get(probe.url, "/health/detailed")).toMatchObject({ status, json: { status: health } });
    expect(await get(probe.url, "/health/ready")).toMatchObject({ status, json: { status: ready } });
    expect(await get(probe.url, "/health/live")).toMatchObject({ status: 200, json: { status: "alive" } });
  });
});

test("metrics have the form of Prometheus, and calls are in them", async () => {
  await using probe = await hostProbe();
  const client = createClient(
    ProbeService,
    createConnectTransport({ baseUrl: probe.url, httpVersion: "1.1" }),
  );
  await client.echo({});
  await client.refuse({}).catch(() => {});
  const { status, type, text } = await get(probe.url, "/metrics");
  expect([status, type]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
  for (const line of text.trim().split("\n")) {
    expect(line).toMatch(/^(# (HELP|TYPE) .+|[a-z_]\w*(\{.*\})? ([\d.e+-]+|NaN)|)$/i);
  }
  for (const code of ["ok", "not_found"]) {
    expect(text).toMatch(new RegExp(`weft_rpc_server_duration_seconds_count\\{.*code="${code}".*\\} 1\\n`));
  }
  expect(text).toContain('service="probe"');
});

describe("a service that is told to stop", () => {
  test("finishes what is in flight, then takes nothing more", async () => {
    const began = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    await using probe = await hostProbe([
      {
        wait: async () => {
          began.resolve();
          await finish.promise;
          return { text: "finished" };
        },
      },
    ]);
    const clients = [
      createClient(ProbeService, createGrpcTransport({ baseUrl: probe.url })),
      createClient(ProbeService, createConnectTransport({ baseUrl: probe.url, httpVersion: "1.1" })),
    ];
    const calls = clients.map((client) => client.wait({}));
    await began.promise;
    await sleep(50);
    const stopped = probe.hosted.stop();
    await sleep(50);
    finish.resolve();
    expect((await Promise.all(calls)).map(({ text }) => text)).toEqual(["finished", "finished"]);
    await stopped;
    const late = createClient(
      ProbeService,
      createConnectTransport({ baseUrl: probe.url, httpVersion: "1.1" }),
    );
    const error = await late.echo({}).catch((it: unknown) => ConnectError.from(it));
    expect(error).toMatchObject({ code: Code.Unavailable });
  });

  test("waits for nobody when nothing is in flight, though connections are open", async () => {
    const probe = await hostProbe([], { SHUTDOWN_GRACE: "1h" });
    const clients = [
      createClient(ProbeService, createGrpcTransport({ baseUrl: probe.url })),
      createClient(ProbeService, createConnectTransport({ baseUrl: probe.url, httpVersion: "1.1" })),
    ];
    for (const client of clients) await client.echo({});
    // Had it waited for them, that would have been for an hour.
    await probe.hosted.stop();
  });

  test("says so to probes first, while it still answers", async () => {
    const probe = await hostProbe([], { SHUTDOWN_DELAY: "1s" });
    expect((await get(probe.url, "/health/ready")).status).toBe(200);
    const stopped = probe.hosted.stop();
    expect(await get(probe.url, "/health/ready")).toMatchObject({
      status: 503,
      json: { status: "not ready" },
    });
    expect(await get(probe.url, "/health")).toMatchObject({ status: 503, json: { status: "unhealthy" } });
    expect((await get(probe.url, "/health/live")).status).toBe(200);
    const client = createClient(
      ProbeService,
      createConnectTransport({ baseUrl: probe.url, httpVersion: "1.1" }),
    );
    expect((await client.echo({ text: "still here" })).text).toBe("still here");
    await stopped;
  });
});
