import { expect, test } from "vitest";
import type { ConsumerState, Effect, Facts } from "./checker.ts";
import { check } from "./checker.ts";
import type { Operation } from "./history.ts";
import { operationsOf } from "./history.ts";

const effect = (aggregate: string, version: number): Effect => ({
  eventId: `event of ${aggregate}${version}`,
  op: `op of ${aggregate}${version}`,
  aggregate,
  version,
});
const operation = (
  { op, aggregate, version, eventId }: Effect,
  kind: Operation["outcome"]["kind"] = "acknowledged",
): Operation => ({
  op,
  aggregate,
  isPoisoned: op === poisoned.op,
  outcome: kind === "acknowledged" ? { kind, version, eventId } : { kind },
});

const poisoned = effect("b", 2);
const good = [effect("a", 1), effect("b", 1), effect("a", 2), effect("a", 3)];
const unknown = effect("b", 3);
const refused = { ...effect("a", 4), op: "refused" };
const all = [...good, poisoned, unknown];

const consumer = (name: string, more: Partial<ConsumerState> = {}): ConsumerState => ({
  name,
  effects: all,
  isOrdered: false,
  refusesPoison: false,
  waiting: 0,
  inHand: 0,
  deadLetters: [],
  position: undefined,
  ...more,
});
const usual = {
  shared: consumer("shared"),
  ordered: consumer("ordered", { isOrdered: true, position: 6 }),
  poisoned: consumer("poisoned", {
    refusesPoison: true,
    effects: [...good, unknown],
    deadLetters: [poisoned],
  }),
};

/** A history in which all is well, but for what is said. */
function facts(
  consumers: Partial<Record<keyof typeof usual, Partial<ConsumerState>>> = {},
  more: Partial<Facts> = {},
): Facts {
  return {
    operations: [
      ...good.map((it) => operation(it)),
      operation(poisoned),
      operation(unknown, "unknown"),
      operation({ ...effect("a", 9), op: "never made" }, "unknown"),
      operation(refused, "refused"),
    ],
    versions: new Map([
      ["a", 3],
      ["b", 3],
    ]),
    outbox: 0,
    lastSequence: 6,
    consumers: (["shared", "ordered", "poisoned"] as const).map((name) => ({
      ...usual[name],
      ...consumers[name],
    })),
    ...more,
  };
}

const without = (gone: Effect, from: readonly Effect[] = all) => from.filter((it) => it !== gone);
const complaints = (...given: Parameters<typeof facts>) => [
  ...new Set(check(facts(...given)).map(({ what }) => what)),
];

test("a history in which every promise was kept is given no complaint", () => {
  expect(complaints()).toEqual([]);
});

test.each<[string, Parameters<typeof facts>, string]>([
  [
    "an acknowledged change without its effect",
    [{ shared: { effects: without(good[1]!) } }],
    "an acknowledged change has no effect",
  ],
  [
    "an effect that was had twice",
    [{ shared: { effects: [...all, good[0]!] } }],
    "a change has more than one effect",
  ],
  [
    "an effect that was had twice under another event",
    [{ shared: { effects: [...all, { ...good[0]!, eventId: "another" }] } }],
    "one change has two events",
  ],
  [
    "an effect of a change that was taken back",
    [{ shared: { effects: [...all, refused] } }],
    "a change that was never made has an effect",
  ],
  [
    "an effect of a version that is not there",
    [{ shared: { effects: [...all, effect("a", 7)] } }],
    "something was done for a change that was not committed",
  ],
  [
    "an effect of what nobody tried",
    [{ shared: { effects: [...without(unknown), { ...unknown, op: "made up" }] } }],
    "something was done for what nobody tried",
  ],
  [
    "a committed change of which its writer does not know, and nobody was told",
    [{ ordered: { effects: without(unknown) } }],
    "a committed version was never told of",
  ],
  [
    "the effect of another change",
    [{ shared: { effects: [...without(good[0]!), { ...good[0]!, version: 2 }] } }],
    "a change has the effect of another",
  ],
  [
    "two versions the wrong way round",
    [
      {
        ordered: {
          effects: [
            effect("a", 2),
            effect("a", 1),
            ...all.filter((it) => it.version > 2 || it.aggregate === "b"),
          ],
        },
      },
    ],
    "the order of an aggregate is broken",
  ],
  [
    "an acknowledged change that its own service lost",
    [
      {},
      {
        versions: new Map([
          ["a", 2],
          ["b", 3],
        ]),
      },
    ],
    "an acknowledged change is lost",
  ],
  [
    "two changes that were told the same version",
    [{}, { operations: [...facts().operations, operation({ ...good[0]!, op: "second" })] }],
    "one version was given to two changes",
  ],
  [
    "a poisoned change with an effect",
    [{ poisoned: { effects: all } }],
    "a change has the effect that it must not have",
  ],
  [
    "a poisoned change without a dead letter",
    [{ poisoned: { deadLetters: [] } }],
    "an acknowledged change has no dead letter",
  ],
  [
    "a dead letter that is there twice",
    [{ poisoned: { deadLetters: [poisoned, poisoned] } }],
    "a change has more than one dead letter",
  ],
  [
    "a dead letter of what can be handled",
    [{ shared: { deadLetters: [good[0]!] } }],
    "a change has the dead letter that it must not have",
  ],
  ["an outbox that is not empty", [{}, { outbox: 1 }], "the outbox is not empty"],
  ["events that wait", [{ shared: { waiting: 1 } }], "events still wait for a consumer"],
  ["events in hand", [{ shared: { inHand: 1 } }], "events are still in the hands of a consumer"],
  [
    "a position before the end",
    [{ ordered: { position: 5 } }],
    "a consumer is not at the end of the stream, 6",
  ],
])("%s is found", (_, given, what) => {
  expect(complaints(...given)).toContain(what);
});

test("a change is unknown until its writer says more, and the end of a line may be missing", () => {
  const lines = [
    { op: "1", step: "begun", aggregate: "a", isPoisoned: false },
    { op: "2", step: "begun", aggregate: "b", isPoisoned: true },
    { op: "3", step: "begun", aggregate: "c", isPoisoned: false },
    { op: "1", step: "acknowledged", version: 4, id: "event" },
    { op: "2", step: "refused" },
    { op: "3", step: "unknown", why: "gone" },
    { op: "4", step: "begun", aggregate: "d", isPoisoned: false },
  ].map((it) => JSON.stringify(it));
  expect(operationsOf(`${lines.join("\n")}\n{"op":"4","st`)).toEqual([
    {
      op: "1",
      aggregate: "a",
      isPoisoned: false,
      outcome: { kind: "acknowledged", version: 4, eventId: "event" },
    },
    { op: "2", aggregate: "b", isPoisoned: true, outcome: { kind: "refused" } },
    { op: "3", aggregate: "c", isPoisoned: false, outcome: { kind: "unknown" } },
    { op: "4", aggregate: "d", isPoisoned: false, outcome: { kind: "unknown" } },
  ]);
});
