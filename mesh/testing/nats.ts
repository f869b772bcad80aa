import { createLogger } from "../log/logger.ts";
import type { Nats } from "../nats/nats.ts";
import { connectNats } from "../nats/nats.ts";
import { testStores } from "./stores.ts";

export const silentLog = createLogger({ service: "test", level: "silent", contracts: [] });

/** A connection to the test run's own broker. */
export const openTestNats = (namespace: string): Promise<Nats> =>
  connectNats({ url: testStores().natsUrl, name: "test", log: silentLog, waitMs: 10_000, namespace });
