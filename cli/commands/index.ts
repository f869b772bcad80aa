import type { Command } from "../command.ts";

/**
 * In the order in which one meets them. Loaded when called for, so that a
 * container that serves one service loads no other command.
 */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  up: async () => (await import("./up.ts")).up,
  down: async () => (await import("./down.ts")).down,
  status: async () => (await import("./status.ts")).status,
  logs: async () => (await import("./logs.ts")).logs,
  call: async () => (await import("./call.ts")).call,
  events: async () => (await import("./events.ts")).events,
  dlq: async () => (await import("./dlq.ts")).dlq,
  jobs: async () => (await import("./jobs.ts")).jobs,
  queues: async () => (await import("./queues.ts")).queues,
  schedules: async () => (await import("./schedules.ts")).schedules,
  token: async () => (await import("./token.ts")).token,
  demo: async () => (await import("./demo.ts")).demo,
  new: async () => (await import("./new-service.ts")).newService,
  generate: async () => (await import("./generate.ts")).generate,
  test: async () => (await import("./test.ts")).test,
  bench: async () => (await import("./bench.ts")).bench,
  conformance: async () => (await import("./conformance.ts")).conformance,
  fuzz: async () => (await import("./fuzz.ts")).fuzz,
  chaos: async () => (await import("./chaos.ts")).chaos,
  run: async () => (await import("./run.ts")).runFile,
  serve: async () => (await import("./serve.ts")).serve,
  keys: async () => (await import("./keys.ts")).keys,
  reset: async () => (await import("./reset.ts")).reset,
};
