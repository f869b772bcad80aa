import { jetstreamManager } from "@nats-io/jetstream";
import { openTestNats } from "./nats.ts";

/** Takes all streams and buckets of a namespace off the test run's broker, which has to bear those of all tests. */
export async function dropStreams(namespace: string): Promise<void> {
  const { connection } = await openTestNats(namespace);
  try {
    const { streams } = await jetstreamManager(connection);
    const own = new RegExp(`^(?:KV_|OBJ_)?${namespace}_`);
    for await (const name of streams.names()) if (own.test(name)) await streams.delete(name);
  } finally {
    await connection.close();
  }
}
