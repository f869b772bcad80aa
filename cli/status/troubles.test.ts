import { expect, test } from "vitest";
import { describeTroubles } from "./troubles.ts";

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
