import fc from "fast-check";
import { Histogram, Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { createMetrics } from "../metrics/metrics.ts";
import { createCallMetrics } from "./call-metrics.ts";
import { createCells, createTallies, measure } from "./tally.ts";

const open = () => {
  const metrics = createMetrics("order");
  return { metrics, calls: createCallMetrics(metrics) };
};
const method = "order.v1.OrderService/CreateOrder";

describe("metrics of calls", () => {
  test("tell rate, errors and durations by method and by pair of services", async () => {
    const { metrics, calls } = open();
    calls.server(method, "ok", "gateway", 0.002);
    calls.server(method, "ok", "gateway", 0.004);
    calls.client("product", "product.v1.ProductService/GetProduct", "unavailable", 0.2);
    const text = await metrics.render();
    const labels = `method="${method}",code="ok",caller="gateway",service="order"`;
    expect(text).toContain(`weft_rpc_server_duration_seconds_bucket{le="0.0025",${labels}} 1`);
    expect(text).toContain(`weft_rpc_server_duration_seconds_bucket{le="+Inf",${labels}} 2`);
    expect(text).toContain(`weft_rpc_server_duration_seconds_count{${labels}} 2`);
    expect(text).toMatch(
      /weft_rpc_client_duration_seconds_count\{callee="product",method=".*GetProduct",code="unavailable",service="order"\} 1/,
    );
  });

  test("tell what is in flight, retried, hedged, rejected and dropped", async () => {
    const { metrics, calls } = open();
    calls.serverInFlight(method).value += 2;
    calls.serverInFlight(method).value--;
    calls.clientInFlight("product").value++;
    calls.retried("product", "unavailable");
    calls.hedged("product");
    calls.rejected("out", "product", "breaker");
    calls.logLinesDropped(3);
    const text = await metrics.render();
    expect(text).toContain(`weft_rpc_server_in_flight{method="${method}",service="order"} 1`);
    expect(text).toContain('weft_rpc_client_in_flight{callee="product",service="order"} 1');
    expect(text).toContain(
      'weft_rpc_client_retries_total{callee="product",reason="unavailable",service="order"} 1',
    );
    expect(text).toContain('weft_rpc_client_hedges_total{callee="product",service="order"} 1');
    expect(text).toContain(
      'weft_rpc_rejected_total{direction="out",peer="product",by="breaker",service="order"} 1',
    );
    expect(text).toContain('weft_log_lines_dropped_total{service="order"} 3');
  });

  test("tell the state of a breaker for as long as there is its instance", async () => {
    const { metrics, calls } = open();
    calls.breakerState("product", "i1", "open");
    calls.breakerState("product", "i2", "half_open");
    calls.forget("product", "i1");
    const text = await metrics.render();
    expect(text).not.toContain('instance="i1"');
    expect(text).toContain('weft_rpc_breaker_state{callee="product",instance="i2",service="order"} 1');
  });

  test("stay few, whoever calls", async () => {
    const { metrics, calls } = open();
    for (let id = 0; id < 1000; id++) calls.server(method, "ok", `caller-${id}`, 0.001);
    const counts = (await metrics.render()).match(/server_duration_seconds_count\{.*\} \d+/g) ?? [];
    expect(counts).toHaveLength(101);
    expect(counts.at(-1)).toMatch(/caller="other".* 900$/);
  });

  test("escape what stands in a label", async () => {
    const { metrics, calls } = open();
    calls.server(method, "ok", 'a"b\n', 0.001);
    expect(await metrics.render()).toContain('caller="a\\"b\\n"');
  });
});

test("our histogram shows what prom-client's does", async () => {
  const buckets = [0.5, 1, 5];
  const registry = new Registry();
  const theirs = new Histogram({ name: "h", help: "h", labelNames: ["a"], buckets, registers: [registry] });
  const metrics = createMetrics("x");
  const ours = createTallies({ name: "h", help: "h", labels: ["a"], buckets });
  metrics.add(ours);
  const values = fc.array(fc.tuple(fc.constantFrom("p", "q"), fc.constantFrom(0, 0.5, 0.6, 1, 2, 5, 6, 1e9)));
  await fc.assert(
    fc.asyncProperty(values, async (measured) => {
      for (const [label, value] of measured) {
        theirs.observe({ a: label }, value);
        measure(ours.at(label), value);
      }
      const expected = (await registry.metrics()).trimEnd();
      expect((await metrics.render()).replaceAll(',service="x"', "")).toContain(expected);
    }),
    { numRuns: 30 },
  );
});

test("beyond its limit a metric counts under `other`", () => {
  const cells = createCells("counter", { name: "c", help: "c", labels: ["a", "b"], limit: 2 });
  for (const name of ["x", "y", "z", "w"]) cells.at(name, "1").value++;
  expect(cells.samples().map(({ labels, value }) => [labels, value])).toEqual([
    [{ a: "x", b: "1" }, 1],
    [{ a: "y", b: "1" }, 1],
    [{ a: "other", b: "other" }, 2],
  ]);
  cells.remove("x", "1");
  cells.at("z", "1").value++;
  expect(cells.samples().map(({ labels }) => labels.a)).toEqual(["y", "other"]);
});

describe("metrics of the process", () => {
  test("stand once at each service of it", async () => {
    const texts = await Promise.all([
      createMetrics("a", { process: true }).render(),
      createMetrics("b", { process: true }).render(),
    ]);
    for (const text of texts) {
      expect(text.match(/^process_cpu_seconds_total /gm)).toHaveLength(1);
      expect(text.match(/^nodejs_eventloop_lag_p99_seconds /gm)).toHaveLength(1);
      expect(text.match(/^process_resident_memory_bytes /gm)).toHaveLength(1);
      expect(text.match(/^# TYPE /gm)?.length).toBe(new Set(text.match(/^# TYPE \S+/gm)).size);
    }
  });

  test("are read as values beside those of the service", async () => {
    const metrics = createMetrics("order", { process: true });
    createCallMetrics(metrics).hedged("product");
    const families = await metrics.read();
    expect(families.find((it) => it.name === "weft_rpc_client_hedges_total")).toMatchObject({
      type: "counter",
      samples: [{ labels: { callee: "product", service: "order" }, value: 1 }],
    });
    expect(families.some((it) => it.name === "process_cpu_seconds_total")).toBe(true);
  });
});
