import { describe, expect, test } from "vitest";
import { readConfig } from "../config/read.ts";
import { otlpSettings, serviceTraceRatio, telemetryFields } from "./telemetry-fields.ts";

const read = (env: Record<string, string>) => readConfig(telemetryFields, env);
const settings = (env: Record<string, string>) => otlpSettings(read(env));

describe("where telemetry goes", () => {
  test("is nowhere unless a collector is named", () => {
    expect(settings({})).toBeUndefined();
    expect(read({})).toMatchObject({ WEFT_TRACE_RATIO: 0.1, WEFT_ACCESS_LOG: true });
  });

  test.each(["http://collector:4318", "http://collector:4318/"])("is below the endpoint %s", (endpoint) => {
    expect(settings({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })).toEqual({
      tracesUrl: "http://collector:4318/v1/traces",
      metricsUrl: "http://collector:4318/v1/metrics",
      headers: {},
      timeoutMs: 10_000,
      metricsIntervalMs: 60_000,
    });
  });

  test("keeps the path of an endpoint, and takes one for traces as written", () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: "https://api.example.com/otlp",
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://traces.example.com/here",
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20abc, x-team = mesh",
    };
    expect(settings(env)).toMatchObject({
      tracesUrl: "https://traces.example.com/here",
      metricsUrl: "https://api.example.com/otlp/v1/metrics",
      headers: { authorization: "Bearer abc", "x-team": "mesh" },
    });
  });

  test("can be one of the two", () => {
    const OTEL_EXPORTER_OTLP_ENDPOINT = "http://collector:4318";
    const tracesOnly = settings({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_METRICS_EXPORTER: "none" });
    expect(tracesOnly).toMatchObject({ tracesUrl: expect.any(String), metricsUrl: undefined });
    expect(
      settings({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_METRICS_EXPORTER: "none", OTEL_TRACES_EXPORTER: "none" }),
    ).toBeUndefined();
  });
});

test.each([
  ["WEFT_TRACE_RATIO", "1.1"],
  ["WEFT_TRACE_RATIO", "-0.1"],
  ["WEFT_TRACE_RATIO", "10%"],
  ["OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"],
  ["OTEL_TRACES_EXPORTER", "zipkin"],
])("%s cannot be %s, and the error says what it must be", (name, value) => {
  expect(() => read({ [name]: value })).toThrow(new RegExp(`${name} must be .*not "`));
});

test("headers are secret even when they are wrong", () => {
  expect(() => read({ OTEL_EXPORTER_OTLP_HEADERS: "hunter2" })).toThrow(
    /HEADERS must be name=value(?!.*hunter2)/,
  );
});

test("the share of one service is its own or none", () => {
  const of = (text: string) =>
    readConfig({ ORDER_TRACE_RATIO: serviceTraceRatio }, { ORDER_TRACE_RATIO: text });
  expect(of("").ORDER_TRACE_RATIO).toBeUndefined();
  expect(of("0").ORDER_TRACE_RATIO).toBe(0);
  expect(of("1").ORDER_TRACE_RATIO).toBe(1);
  expect(of(".5").ORDER_TRACE_RATIO).toBe(0.5);
});
