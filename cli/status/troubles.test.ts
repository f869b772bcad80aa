import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import type { PlatformState } from "../state.ts";
import { openWorkspace } from "../workspace.ts";
import { describeTroubles, findTroubles } from "./troubles.ts";

const none = { refused: [], deadLetters: { events: 0, jobs: 0 }, backlogs: [], unknown: [] };

test("no trouble is no line", () => {
  expect(describeTroubles(none)).toEqual([]);
});

test("each kind of trouble is one line", () => {
  const lines = describeTroubles({
    refused: [{ service: "order", problems: ["GetOrder: bad template", "ListOrders: conflict"] }],
    deadLetters: { events: 2, jobs: 500 },
    backlogs: [
      { name: "bill-order_created", waiting: 1200 },
      { name: "mail", waiting: 5000 },
    ],
    unknown: ["jobs: it does not answer"],
  });
  expect(lines).toEqual([
    "the gateway refuses the contract of order: GetOrder: bad template; ListOrders: conflict",
    "dead letters: 2 of events, 500 or more of jobs; see `weft dlq`",
    "backlog: 1,200 for bill-order_created, 5,000 for mail; see `weft queues` for those of jobs",
    "cannot tell of jobs: it does not answer",
  ]);
});

test("what is not known is no number, and no trouble by itself", () => {
  const asked = { ...none, unknown: ["events: NATS does not answer"] };
  expect(describeTroubles({ ...asked, deadLetters: { events: null, jobs: 3 } })).toEqual([
    "dead letters: nobody knows how many of events, 3 of jobs; see `weft dlq`",
    "cannot tell of events: NATS does not answer",
  ]);
  expect(describeTroubles({ ...asked, deadLetters: { events: null, jobs: 0 } })).toHaveLength(1);
});

test("a broker that cannot be asked is said to be unknown, and not to hold nothing", async () => {
  vi.stubEnv("NATS_URL", "");
  try {
    const nowhere = openWorkspace({ WEFT_DIR: join(tmpdir(), "weft-that-is-not-there") });
    const { deadLetters, unknown } = await findTroubles(nowhere, { services: {} } as PlatformState);
    expect(deadLetters).toEqual({ events: null, jobs: 0 });
    expect(unknown).toEqual([expect.stringMatching(/^events: nothing runs/)]);
  } finally {
    vi.unstubAllEnvs();
  }
});
