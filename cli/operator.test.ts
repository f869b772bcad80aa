import { createServer } from "node:http2";
import { createClient } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { QueueService } from "#gen/queue/v1/queue_pb.js";
import { transportTo } from "./client.ts";
import { explaining } from "./operator.ts";

test("a service that is frozen is named, with what to look at", async () => {
  const mute = createServer(() => {});
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
  const { port } = mute.address() as { port: number };
  const url = `http://127.0.0.1:${port}`;
  const transport = explaining({ name: "queue", url }, transportTo(url, {}, { timeoutMs: 50 }));
  try {
    await expect(createClient(QueueService, transport).listQueues({})).rejects.toThrow(
      `the queue service does not answer at ${url}; see \`weft status\` and \`weft logs queue\``,
    );
  } finally {
    mute.close();
  }
});
