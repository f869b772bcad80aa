import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { fail } from "../errors.ts";
import { createLogger } from "../log/logger.ts";
import { createMetrics } from "../metrics/metrics.ts";
import { collectLogs } from "../testing/logs.ts";
import { createCallMetrics } from "./call-metrics.ts";
import { createCollectorState } from "./collector-state.ts";
import { openOtlp } from "./otlp.ts";
import { createOtlpTraces } from "./otlp-traces.ts";
import { rpcAttributes } from "./rpc-attributes.ts";
import { startCollector } from "./testing/collector.ts";
import { parseTraceparent } from "./trace-context.ts";
import { createTracer, traceparentOf } from "./tracer.ts";

const nowhere = "http://127.0.0.1:9";

async function open(service: string, url: string, { closeWithinMs = 2000, metricsIntervalMs = 60_000 } = {}) {
  const logs = collectLogs();
  const log = createLogger({ service, level: "info", contracts: [], destination: logs });
  const metrics = createMetrics(service, { process: true });
  const otlp = await openOtlp({
    settings: {
      tracesUrl: `${url}/v1/traces`,
      metricsUrl: `${url}/v1/metrics`,
      headers: { "x-team": "mesh" },
      timeoutMs: 1000,
      metricsIntervalMs,
    },
    service,
    version: "1.2.3",
    instance: `${service}-1`,
    metrics,
    log,
    closeWithinMs,
  });
  const tracer = createTracer({ service, ratio: 1, sinks: otlp.spans ? [otlp.spans] : [] });
  return { otlp, tracer, metrics, logs, log };
}

describe("a collector", () => {
  test("sees the spans of a chain of calls, each under the one that caused it", async () => {
    await using collector = await startCollector();
    const order = await open("order", collector.url);
    const product = await open("product", collector.url);

    const answering = order.tracer.begin("server", "order.v1.OrderService/CreateOrder", undefined);
    const calling = order.tracer.begin("client", "product.v1.ProductService/Reserve", answering);
    const header = traceparentOf(calling);
    const reserving = product.tracer.begin(
      "server",
      "product.v1.ProductService/Reserve",
      parseTraceparent(header),
    );
    const error = fail.unavailable("store_unavailable", "no database", { cause: new Error("ECONNREFUSED") });
    const facts = {
      method: "product.v1.ProductService/Reserve",
      code: "unavailable",
      protocol: "connect",
    } as const;
    const attributes = rpcAttributes({ ...facts, peerService: "order" });
    product.tracer.end(reserving, { code: "unavailable", error, attributes }, reserving.startMs + 1.5);
    order.tracer.end(calling, { code: "unavailable", error });
    order.tracer.end(answering, { code: "ok" });
    await Promise.all([order.otlp.close(), product.otlp.close()]);

    expect(collector.spans).toHaveLength(3);
    const find = (spanId: string) => collector.spans.find((it) => it.spanId === spanId);
    expect(find(answering.spanId)).toMatchObject({ parentId: "", kind: 2, status: 0 });
    expect(find(calling.spanId)).toMatchObject({ parentId: answering.spanId, kind: 3, status: 2 });
    expect(find(reserving.spanId)).toMatchObject({
      traceId: answering.traceId,
      parentId: calling.spanId,
      name: "product.v1.ProductService/Reserve",
      kind: 2,
      status: 2,
      attributes: {
        "rpc.system": "connect_rpc",
        "rpc.service": "product.v1.ProductService",
        "rpc.method": "Reserve",
        "rpc.connect_rpc.error_code": "unavailable",
        "peer.service": "order",
      },
      events: [{ "exception.type": "Error", "exception.message": "ECONNREFUSED" }],
      resource: {
        "service.name": "product",
        "service.version": "1.2.3",
        "service.instance.id": "product-1",
      },
    });
    // Nanoseconds since 1970 are beyond what a double tells apart by some hundreds.
    expect(find(reserving.spanId)?.durationNanos).toBeGreaterThan(1_499_000);
    expect(find(reserving.spanId)?.durationNanos).toBeLessThan(1_501_000);
    expect(collector.headers[0]).toMatchObject({ "x-team": "mesh" });
  });

  test("sees what a caller provoked as no fault of the service", async () => {
    await using collector = await startCollector();
    const { tracer, otlp } = await open("order", collector.url);
    tracer.end(tracer.begin("server", "m", undefined), { code: "not_found", error: fail.notFound("x", "x") });
    await otlp.close();
    expect(collector.spans).toMatchObject([{ status: 0 }]);
  });

  test("sees the metrics that Prometheus would", async () => {
    await using collector = await startCollector();
    const { metrics, otlp } = await open("order", collector.url);
    const calls = createCallMetrics(metrics);
    for (const seconds of [0.0004, 0.0004, 0.003, 99]) calls.server("m", "ok", "gateway", seconds);
    calls.hedged("product");
    await otlp.close();

    const find = (name: string) => collector.points.find((it) => it.name === name);
    const duration = find("weft_rpc_server_duration_seconds");
    expect(duration).toMatchObject({
      type: "histogram",
      unit: "s",
      attributes: { method: "m", code: "ok", caller: "gateway", service: "order" },
      counts: [2, 0, 0, 1, ...Array(11).fill(0), 1],
    });
    expect(duration?.attributes).not.toHaveProperty("le");
    expect(duration?.bounds).toHaveLength(15);
    expect(duration?.value).toBeCloseTo(99.0038);
    expect(find("weft_rpc_client_hedges_total")).toMatchObject({ type: "sum", value: 1 });
    expect(find("process_resident_memory_bytes")).toMatchObject({ type: "gauge", unit: "By" });
  });

  test("is sent metrics at the interval", async () => {
    await using collector = await startCollector();
    const { otlp } = await open("order", collector.url, { metricsIntervalMs: 20 });
    await vi.waitFor(() => expect(collector.headers.length).toBeGreaterThan(1), { timeout: 5000 });
    await otlp.close();
  });
});

describe("without its collector a service", () => {
  test("goes on, says so once, and stops in time", async () => {
    const { tracer, otlp, logs } = await open("order", nowhere, { closeWithinMs: 300 });
    for (let count = 0; count < 5000; count++) {
      tracer.end(tracer.begin("server", "m", undefined), { code: "ok" });
    }
    await otlp.close();
    const told = logs.lines.filter((it) => it.level !== "info").map((it) => it.message);
    expect(told.length).toBeGreaterThan(0);
    expect(told.length).toBe(new Set(told).size);
  });

  test("that hangs stops in time all the same", async () => {
    await using collector = await startCollector();
    collector.answer("hang");
    const { tracer, otlp, logs } = await open("order", collector.url, { closeWithinMs: 100 });
    tracer.end(tracer.begin("server", "m", undefined), { code: "ok" });
    await otlp.close();
    expect(logs.lines.at(-1)?.message).toBe("the collector did not take the last spans and metrics in time");
  });
});

describe("the queue of spans", () => {
  const openTraces = async (url: string, queueSize: number) => {
    const { resourceFromAttributes } = await import("@opentelemetry/resources");
    const logs = collectLogs();
    const log = createLogger({ service: "order", level: "info", contracts: [], destination: logs });
    const state = createCollectorState("spans", url, log);
    const origin = {
      resource: resourceFromAttributes({}),
      instrumentationScope: { name: "t", version: "1" },
    };
    const sink = createOtlpTraces({
      url: `${url}/v1/traces`,
      headers: {},
      timeoutMs: 500,
      origin,
      state,
      delayMs: 5,
      queueSize,
    });
    return { state, logs, sink, tracer: createTracer({ service: "order", ratio: 1, sinks: [sink] }) };
  };

  test("is bounded, and what it has no room for is counted", async () => {
    await using collector = await startCollector();
    collector.answer("hang");
    const { state, tracer, sink } = await openTraces(collector.url, 10);
    // The first ten leave in a batch that hangs; ten more may wait.
    for (let count = 0; count < 100; count++)
      tracer.end(tracer.begin("server", "m", undefined), { code: "ok" });
    expect(state.lost).toBe(80);
    await sink.close();
    expect(state.lost).toBe(100);
  });

  test("is used again when the collector is back, and the loss is told", async () => {
    await using collector = await startCollector();
    collector.answer(400);
    const { state, logs, tracer, sink } = await openTraces(collector.url, 100);
    tracer.end(tracer.begin("server", "lost", undefined), { code: "ok" });
    await vi.waitFor(() => expect(state.lost).toBe(1), { timeout: 5000 });
    collector.answer(200);
    await sleep(1);
    tracer.end(tracer.begin("server", "arrives", undefined), { code: "ok" });
    await vi.waitFor(() => expect(collector.spans).toMatchObject([{ name: "arrives" }]), { timeout: 5000 });
    await sink.close();
    expect(logs.lines).toMatchObject([
      { level: "warn", message: "spans cannot be exported; calls go on without" },
      { level: "info", message: "spans are exported again", lost: 1 },
    ]);
  });
});
