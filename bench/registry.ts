import type { Benchmark } from "./benchmark.ts";

/** Every benchmark, by the name it is run by. Loaded only when it is run. */
export const benchmarks: Readonly<Record<string, () => Promise<Benchmark>>> = {
  rpc: async () => (await import("./rpc/benchmark.ts")).rpc,
  streams: async () => (await import("./streams/benchmark.ts")).streams,
  gateway: async () => (await import("./gateway/benchmark.ts")).gateway,
  events: async () => (await import("./events/benchmark.ts")).events,
  orders: async () => (await import("./orders/benchmark.ts")).orders,
  discovery: async () => (await import("./discovery/benchmark.ts")).discovery,
};
