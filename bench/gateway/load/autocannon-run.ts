/** A process that sends requests: it reads an `HttpLoad` and prints a `Found`. */
import { text } from "node:stream/consumers";
import autocannon from "autocannon";
import { createHistogram } from "../../harness/histogram.ts";
import type { Found } from "./autocannon.ts";
import type { HttpLoad } from "./tool.ts";

const { url, requests, connections, ms } = JSON.parse(await text(process.stdin)) as HttpLoad;

/** Its own histogram knows whole milliseconds only. */
const latencies = createHistogram();
let last = performance.now();
const began = last;

const run = autocannon({ url, connections, duration: ms / 1000, requests });
run.on("response", (_client, _status, _bytes, tookMs) => {
  latencies.record(tookMs);
  last = performance.now();
});
const { errors, timeouts, non2xx } = await run;
process.stdout.write(
  JSON.stringify({
    total: latencies.count,
    perSecond: (latencies.count / (last - began)) * 1000,
    p50Ms: latencies.quantile(0.5),
    p99Ms: latencies.quantile(0.99),
    sockets: errors - timeouts,
    timeouts,
    statuses: non2xx,
  } satisfies Found),
);
