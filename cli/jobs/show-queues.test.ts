import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test, vi } from "vitest";
import { QueueSchema } from "#gen/queue/v1/queue_pb.js";
import { formatQueues } from "./show-queues.ts";

vi.stubEnv("NO_COLOR", "1");
const queue = (init: MessageInitShape<typeof QueueSchema>) => create(QueueSchema, init);

test("a queue is a line, with its limit, and what it stopped counting at", () => {
  const shown = formatQueues([
    queue({ name: "mail", depth: 2n, inFlight: 1n, concurrency: 3, oldest: durationFromMs(90_000) }),
    queue({ name: "video", paused: true, done: 1_234_567n, scheduled: 100_000n, failed: 4n }),
  ]);
  expect(shown.split("\n")).toEqual([
    "    queue  depth  scheduled  in flight  done       failed  oldest  state",
    "    mail   2      0          1 of 3     0          0       1 min",
    "    video  0      100,000+   0          1,234,567  4               paused",
  ]);
});

test("a backlog is marked, and said with what to do about it", () => {
  const init = { name: "mail", depth: 1500n, backlogged: true, inFlight: 3n };
  const [, row, , said] = formatQueues([queue(init)]).split("\n");
  expect(row).toMatch(/^ {2}! mail/);
  expect(said).toContain("! mail has a backlog: 1,500 jobs wait; start more instances");
  expect(formatQueues([queue({ ...init, paused: true })])).toContain("weft queues resume mail");
  expect(formatQueues([queue({ ...init, concurrency: 3 })])).toContain("weft queues limit mail <n>");
});
