import { afterEach, describe, expect, test } from "vitest";
import type { Network } from "../client/network.ts";
import { createNetwork } from "../client/network.ts";
import { createStaticDirectory } from "../discovery/static-directory.ts";
import { fail } from "../errors.ts";
import { createLogger } from "../log/logger.ts";
import { createMetrics } from "../metrics/metrics.ts";
import type { FinishedSpan, SpanSink } from "../telemetry/span.ts";
import { createTelemetry } from "../telemetry/telemetry.ts";
import { collectLogs } from "../testing/logs.ts";
import type { ProbeHandlers } from "../testing/probe.ts";
import { ProbeService } from "../testing/probe.ts";
import type { Rpc } from "../testing/rpc.ts";
import { openRpc } from "../testing/rpc.ts";

const toClose: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

function keepSpans(): SpanSink & { readonly spans: FinishedSpan[] } {
  const spans: FinishedSpan[] = [];
  return { spans, take: (span) => void spans.push(span), close: async () => {} };
}

/** A caller and a callee of the mesh, each with telemetry of its own, and the socket between them. */
async function open(own: Partial<ProbeHandlers> = {}) {
  const server = keepSpans();
  const rpc: Rpc = await openRpc(own, undefined, { sink: server });
  toClose.push(() => rpc[Symbol.asyncDispose]());
  const client = keepSpans();
  const logs = collectLogs();
  const metrics = createMetrics("caller");
  const log = createLogger({ service: "caller", level: "info", contracts: [], destination: logs });
  const telemetry = createTelemetry({
    service: "caller",
    log,
    metrics,
    destination: logs,
    sinks: [client],
    traceRatio: 1,
  });
  const network: Network = createNetwork({
    callerId: "caller-1",
    directory: createStaticDirectory({ probe: `http://127.0.0.1:${rpc.port}` }),
    telemetry,
  });
  toClose.push(() => network.close());
  return {
    rpc,
    client: network.client(ProbeService),
    spans: { client: client.spans, server: server.spans },
    logs,
    metrics,
    telemetry,
  };
}

const counted = (text: string, name: string) =>
  [...text.matchAll(new RegExp(`${name}_count\\{(.*)\\} (\\d+)`, "g"))].map(([, labels, count]) => [
    /code="(\w+)"/.exec(labels!)?.[1],
    Number(count),
  ]);

const ends: [code: string, call: (client: Awaited<ReturnType<typeof open>>["client"]) => Promise<unknown>][] =
  [
    ["ok", (client) => client.echo({ text: "hi" })],
    ["not_found", (client) => client.refuse({})],
    ["internal", (client) => client.break({})],
    ["invalid_argument", (client) => client.echo({ text: "x".repeat(101) })],
    ["unauthenticated", (client) => client.mine({})],
  ];

describe("each call over the express lane", () => {
  test.each(ends)(
    "that ends as %s has one line, one measurement and one span on both sides, and they belong together",
    async (code, call) => {
      const { rpc, client, spans, logs, metrics, telemetry } = await open();
      await call(client).catch(() => {});
      const [served, ...more] = await rpc.calls(1);
      telemetry.access.flush();
      const [made, ...others] = logs.lines.filter(({ method }) => method !== undefined);
      expect([more, others]).toEqual([[], []]);
      expect([served?.code, made?.code]).toEqual([code, code]);
      for (const name of ["requestId", "correlationId", "traceId"]) {
        expect(served?.[name], name).toMatch(/^[\w-]{16,}$/);
        expect(served?.[name], name).toBe(made?.[name]);
      }

      expect(spans.client.map(({ span, code: ended }) => [span.kind, span.parentId, ended])).toEqual([
        ["client", undefined, code],
      ]);
      const [outer] = spans.client;
      expect(
        spans.server.map(({ span, code: ended }) => [span.kind, span.parentId, span.traceId, ended]),
      ).toEqual([["server", outer?.span.spanId, outer?.span.traceId, code]]);

      expect(counted(await rpc.metrics.render(), "weft_rpc_server_duration_seconds")).toEqual([[code, 1]]);
      expect(counted(await metrics.render(), "weft_rpc_client_duration_seconds")).toEqual([[code, 1]]);
    },
  );

  test("tells its handler the ids of the caller, and the span under which further calls go", async () => {
    const seen: string[] = [];
    const { client, spans } = await open({
      echo: (it, { requestId, correlationId, traceparent }) => {
        seen.push(requestId, correlationId, traceparent);
        return it;
      },
    });
    await client.echo({});
    const [requestId, correlationId, traceparent] = seen;
    expect(requestId).toBe(correlationId);
    const [server] = spans.server;
    expect(traceparent).toBe(`00-${spans.client[0]?.span.traceId}-${server?.span.spanId}-01`);
  });

  test("that its caller gives up is noted on both sides as that", async () => {
    const began = Promise.withResolvers<void>();
    const { rpc, client, spans } = await open({
      wait: (_note, { signal }) => {
        began.resolve();
        return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
    });
    const controller = new AbortController();
    const call = client.wait({}, { signal: controller.signal }).catch(() => {});
    await began.promise;
    controller.abort(fail.canceled("canceled", "enough"));
    await call;
    expect(await rpc.calls(1)).toMatchObject([{ code: "canceled" }]);
    expect([spans.client.map(({ code }) => code), spans.server.map(({ code }) => code)]).toEqual([
      ["canceled"],
      ["canceled"],
    ]);
  });
});
