import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { afterEach, describe, expect, test, vi } from "vitest";
import { reasonOf } from "../errors.ts";
import { faultHeader } from "../faults/faults.ts";
import { startCollector } from "../telemetry/testing/collector.ts";
import { collectLogs } from "../testing/logs.ts";
import { ProbeService, probeService } from "../testing/probe.ts";
import { testStores } from "../testing/stores.ts";
import type { Hosted } from "./host.ts";
import { hostService } from "./host.ts";
import { recentSpans } from "./telemetry.ts";

const running: Hosted[] = [];
afterEach(async () => {
  for (const hosted of running.splice(0)) await hosted.stop();
});

const host = async (more: Record<string, string> = {}) => {
  const logs = collectLogs();
  const env = {
    WEFT_ENV: "test",
    PORT: "0",
    NATS_URL: testStores().natsUrl,
    WEFT_ENDPOINTS: "security=http://127.0.0.1:1",
    // Nobody is there, and nobody will come.
    WEFT_WAIT_FOR_READY: "0s",
    WEFT_DISCOVERY: "false",
    ...more,
  };
  const hosted = await hostService(probeService(), { env, logs });
  running.push(hosted);
  const transport = createConnectTransport({
    baseUrl: `http://127.0.0.1:${hosted.port}`,
    httpVersion: "1.1",
  });
  return { hosted, logs, client: createClient(ProbeService, transport) };
};
const failure = (work: Promise<unknown>): Promise<ConnectError> =>
  work.then(
    () => Promise.reject(new Error("it did not fail")),
    (error: unknown) => ConnectError.from(error),
  );
const rule = "probe.v1.ProbeService/Echo=abort:unavailable";
const traceId = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((it) => it.toString(16).padStart(2, "0")).join("");

describe("faults", () => {
  test("befall the methods that configuration names, and no others", async () => {
    const { client } = await host({ WEFT_FAULTS: rule });
    const error = await failure(client.echo({}));
    expect([error.code, reasonOf(error)]).toEqual([Code.Unavailable, "fault_injected"]);
    expect((await client.look({ text: "a" })).text).toBe("saw a");
  });

  test("befall the call that asks for them in development", async () => {
    const { client } = await host({ WEFT_ENV: "development" });
    const error = await failure(client.echo({}, { headers: { [faultHeader]: "abort:data_loss" } }));
    expect([error.code, reasonOf(error)]).toEqual([Code.DataLoss, "fault_injected"]);
    expect((await client.echo({ text: "a" })).text).toBe("a");
    expect(reasonOf(await failure(client.echo({}, { headers: { [faultHeader]: "x" } })))).toBe(
      "bad_fault_header",
    );
  });

  test.each(["test", "production"])("cannot be asked for by header in %s", async (WEFT_ENV) => {
    const { client } = await host({ WEFT_ENV });
    const headers = { [faultHeader]: "abort:data_loss" };
    expect((await client.echo({ text: "a" }, { headers })).text).toBe("a");
  });

  test("keep a service from starting in production, unless they are wanted there", async () => {
    expect(reasonOf(await failure(host({ WEFT_ENV: "production", WEFT_FAULTS: rule })))).toBe(
      "faults_in_production",
    );
    const { client } = await host({
      WEFT_ENV: "production",
      WEFT_FAULTS: rule,
      WEFT_FAULTS_IN_PRODUCTION: "true",
    });
    expect(reasonOf(await failure(client.echo({})))).toBe("fault_injected");
  });
});

describe("the spans of a hosted service", () => {
  test("are kept to be looked at: those that were sampled, and all failures", async () => {
    const { client } = await host({ WEFT_TRACE_RATIO: "0" });
    const [good, failed] = [traceId(), traceId()];
    const headers = (id: string) => ({ headers: { traceparent: `00-${id}-00f067aa0ba902b7-00` } });
    await client.echo({}, headers(good));
    await failure(client.refuse({}, headers(failed)));
    const failures = () => recentSpans.traces(50, true).filter(({ service }) => service === "probe");
    await vi.waitFor(() =>
      expect(failures()).toContainEqual(
        expect.objectContaining({ name: "probe.v1.ProbeService/Refuse", failed: true }),
      ),
    );
    expect(recentSpans.trace(good)).toEqual([]);
  });

  test("go to a collector when there is one, the last of them at the stop", async () => {
    await using collector = await startCollector();
    const { hosted, client } = await host({
      WEFT_TRACE_RATIO: "1",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    });
    await client.echo({});
    await hosted.stop();
    // The issuer, which is not there, may have been asked for its keys.
    expect(collector.spans.filter(({ name }) => name.endsWith("/Echo"))).toMatchObject([
      { name: "probe.v1.ProbeService/Echo", resource: { "service.name": "probe" } },
    ]);
    expect(collector.points.map(({ name }) => name)).toContain("weft_rpc_server_duration_seconds");
  });

  test("go nowhere without one", async () => {
    await using collector = await startCollector();
    const { hosted, client } = await host({ WEFT_TRACE_RATIO: "1" });
    await client.echo({});
    await hosted.stop();
    expect([collector.spans, collector.points]).toEqual([[], []]);
  });
});

test("calls get lines only where they are wanted", async () => {
  const loud = await host();
  const quiet = await host({ WEFT_ACCESS_LOG: "false" });
  // By its id, since a port may be called by others who knew who had it before.
  const headers = { "x-request-id": "wanted" };
  for (const { client, hosted } of [loud, quiet]) {
    await client.echo({}, { headers });
    await hosted.stop();
  }
  const calls = ({ logs }: typeof loud) => logs.lines.filter(({ requestId }) => requestId === "wanted");
  expect([calls(loud).length, calls(quiet).length]).toEqual([1, 0]);
});
