import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Raw } from "./wire.ts";
import { packed, readRaw } from "./wire.ts";

/** A span as it arrived. */
export interface SeenSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly name: string;
  readonly kind: number;
  readonly durationNanos: number;
  readonly attributes: Attributes;
  readonly events: readonly Attributes[];
  readonly status: number;
  readonly resource: Attributes;
}

export interface SeenPoint {
  readonly name: string;
  readonly unit: string;
  readonly type: "gauge" | "sum" | "histogram";
  readonly attributes: Attributes;
  readonly value: number;
  readonly counts: readonly number[];
  readonly bounds: readonly number[];
}

type Attributes = Readonly<Record<string, string | number | boolean>>;

/** An OpenTelemetry collector for tests: a real server that keeps what it gets. */
export interface Collector extends AsyncDisposable {
  readonly url: string;
  readonly spans: SeenSpan[];
  readonly points: SeenPoint[];
  readonly headers: Record<string, unknown>[];
  /** What it answers with from now on; `hang` is never. */
  answer(status: number | "hang"): void;
}

export async function startCollector(): Promise<Collector> {
  const spans: SeenSpan[] = [];
  const points: SeenPoint[] = [];
  const headers: Record<string, unknown>[] = [];
  let status: number | "hang" = 200;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (status === "hang") return;
    if (status === 200) {
      headers.push(request.headers);
      const body = readRaw(Buffer.concat(chunks));
      if (request.url === "/v1/traces") spans.push(...spansOf(body));
      if (request.url === "/v1/metrics") points.push(...pointsOf(body));
    }
    response.writeHead(status, { "content-type": "application/x-protobuf" }).end();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    points,
    headers,
    answer: (next) => {
      status = next;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

// Field numbers are those of opentelemetry/proto/trace/v1 and metrics/v1.
const spansOf = (body: Raw): SeenSpan[] =>
  body.messages(1).flatMap((group) => {
    const resource = attributesOf(group.messages(1)[0]?.messages(1));
    const all = group.messages(2).flatMap((scope) => scope.messages(2));
    return all.map((span) => ({
      traceId: span.hex(1),
      spanId: span.hex(2),
      parentId: span.hex(4),
      name: span.text(5),
      kind: span.number(6),
      durationNanos: Number(span.fixed(8) - span.fixed(7)),
      attributes: attributesOf(span.messages(9)),
      events: span.messages(11).map((event) => attributesOf(event.messages(3))),
      status: span.messages(15)[0]?.number(3) ?? 0,
      resource,
    }));
  });

const pointsOf = (body: Raw): SeenPoint[] =>
  body
    .messages(1)
    .flatMap((group) => group.messages(2).flatMap((scope) => scope.messages(2).flatMap(pointsOfMetric)));

function pointsOfMetric(metric: Raw): SeenPoint[] {
  const common = { name: metric.text(1), unit: metric.text(3), counts: [], bounds: [] };
  const numbers = (field: number, type: "gauge" | "sum") =>
    metric.messages(field).flatMap((data) =>
      data.messages(1).map((point) => ({
        ...common,
        type,
        attributes: attributesOf(point.messages(7)),
        value: point.double(4),
      })),
    );
  const histograms = metric.messages(9).flatMap((data) =>
    data.messages(1).map((point) => ({
      ...common,
      type: "histogram" as const,
      attributes: attributesOf(point.messages(9)),
      value: point.double(5),
      counts: packed(point.bytes(6)[0], "integer"),
      bounds: packed(point.bytes(7)[0], "double"),
    })),
  );
  return [...numbers(5, "gauge"), ...numbers(7, "sum"), ...histograms];
}

function attributesOf(pairs: readonly Raw[] = []): Attributes {
  return Object.fromEntries(
    pairs.map((pair) => {
      const value = pair.messages(2)[0];
      const text = value?.bytes(1)[0];
      if (text) return [pair.text(1), Buffer.from(text).toString()];
      return [pair.text(1), value?.number(3) ?? 0];
    }),
  );
}
