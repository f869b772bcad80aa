import type { ConfigOf, Fields } from "../config/fields.ts";
import { BadValue, field, flag, integer, oneOf, url } from "../config/fields.ts";
import { usualTraceRatio } from "./sampler.ts";

function parseShare(value: string): number {
  const number = Number(value);
  if (!/^\d*\.?\d+$/.test(value) || number > 1)
    throw new BadValue("must be a share from 0 to 1, such as 0.1");
  return number;
}

/** `name=value,name=value`, values percent-encoded, as the OpenTelemetry specification writes headers. */
const pairs = field((value) => {
  const found: [string, string][] = [];
  for (const part of value.split(",").filter((it) => it.trim() !== "")) {
    const [, name, text] = /^\s*([\w.-]+)\s*=\s*(\S*)\s*$/.exec(part) ?? [];
    if (name === undefined || text === undefined) throw new BadValue("must be name=value,name=value");
    found.push([name, decode(text)]);
  }
  return Object.fromEntries(found);
});

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw new BadValue("has a value that is not percent-encoded well");
  }
}

const httpUrl = url("http", "https");

/** The variables about traces and exported metrics. The `OTEL_` ones are OpenTelemetry's own, with its meaning. */
export const telemetryFields = {
  WEFT_TRACE_RATIO: field(parseShare)(
    "Share of traces that are recorded, 0 to 1; failed calls always are. One service: <SERVICE>_TRACE_RATIO.",
    { fallback: String(usualTraceRatio) },
  ),
  WEFT_ACCESS_LOG: flag("Whether every call in and out gets a log line.", { fallback: "true" }),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(
    "OpenTelemetry collector (OTLP over HTTP) for traces and metrics, such as http://localhost:4318. Empty: none.",
    { fallback: "" },
  ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: httpUrl("Where traces go instead, exactly as written.", {
    fallback: "",
  }),
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: httpUrl("Where metrics go instead, exactly as written.", {
    fallback: "",
  }),
  OTEL_EXPORTER_OTLP_HEADERS: pairs("Headers for the collector, as name=value,name=value.", {
    fallback: "",
    secret: true,
  }),
  OTEL_EXPORTER_OTLP_TIMEOUT: integer(1, 600_000)("Milliseconds one export may take.", { fallback: "10000" }),
  OTEL_METRIC_EXPORT_INTERVAL: integer(100, 3_600_000)("Milliseconds between two exports of metrics.", {
    fallback: "60000",
  }),
  OTEL_TRACES_EXPORTER: oneOf("otlp", "none")("Whether traces are exported.", { fallback: "otlp" }),
  OTEL_METRICS_EXPORTER: oneOf("otlp", "none")("Whether metrics are exported.", { fallback: "otlp" }),
} satisfies Fields;

/** `<SERVICE>_TRACE_RATIO`, beside `telemetryFields`; empty: as `WEFT_TRACE_RATIO` says. */
export const serviceTraceRatio = field((value) => (value === "" ? undefined : parseShare(value)))(
  "Share of traces that one service records, of those that begin there.",
  { fallback: "" },
);

export interface OtlpSettings {
  readonly tracesUrl: string | undefined;
  readonly metricsUrl: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly metricsIntervalMs: number;
}

/** Where to export to; undefined for nowhere. */
export function otlpSettings(values: ConfigOf<typeof telemetryFields>): OtlpSettings | undefined {
  const base = values.OTEL_EXPORTER_OTLP_ENDPOINT;
  const under = (path: string) => base && `${base.href.replace(/\/$/, "")}/${path}`;
  const wants = (exporter: string, target: string | undefined) => (exporter === "none" ? undefined : target);
  const tracesUrl = wants(
    values.OTEL_TRACES_EXPORTER,
    values.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?.href ?? under("v1/traces"),
  );
  const metricsUrl = wants(
    values.OTEL_METRICS_EXPORTER,
    values.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT?.href ?? under("v1/metrics"),
  );
  if (!tracesUrl && !metricsUrl) return undefined;
  return {
    tracesUrl,
    metricsUrl,
    headers: values.OTEL_EXPORTER_OTLP_HEADERS,
    timeoutMs: values.OTEL_EXPORTER_OTLP_TIMEOUT,
    metricsIntervalMs: values.OTEL_METRIC_EXPORT_INTERVAL,
  };
}
