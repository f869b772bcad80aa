import { setTimeout as sleep } from "node:timers/promises";
import type { Arena, ArenaOptions } from "./arena.ts";
import { openArena } from "./arena.ts";
import type { Complaint, Facts } from "./checker.ts";
import { check } from "./checker.ts";
import type { Operation } from "./history.ts";
import { rage } from "./nemesis.ts";
import type { Planned } from "./plan.ts";

export interface ChaosOptions extends ArenaOptions {
  readonly plan: readonly Planned[];
  readonly forMs: number;
  /** Told of each fault as it begins. */
  readonly told?: (fault: Planned) => void;
}

export interface Report {
  /** When they came about. */
  readonly faults: readonly Planned[];
  readonly complaints: readonly Complaint[];
  readonly counts: Readonly<Record<string, number>>;
  readonly folder: string;
}

/** Whatever was done to it, it must come to rest within this. */
const drainMs = 120_000;
/** So that faults hit what is at work. */
const warmMs = 500;

/** Lets a plan loose on a running platform, and checks what became of every change. */
export async function chaos({ plan, forMs, told, ...options }: ChaosOptions): Promise<Report> {
  await using arena = await openArena(options);
  await sleep(warmMs);
  const faults: Planned[] = [];
  await rage(plan, forMs, {
    ...arena,
    relayHolder: arena.observer.relayHolder,
    told: (fault) => {
      faults.push(fault);
      told?.(fault);
    },
  });
  // Awaited here: what it looks at is taken down behind it.
  return await judge(arena, faults);
}

/** Takes NATS away for a time in which changes go on; `waited` is how many events the outbox had at its end. */
export async function outage(forMs: number, options: ArenaOptions): Promise<Report & { waited: number }> {
  await using arena = await openArena(options);
  await sleep(warmMs);
  let waited = 0;
  await arena.nats.kill(async () => {
    await sleep(forMs);
    waited = await arena.observer.outbox();
  });
  await sleep(warmMs);
  return { ...(await judge(arena, [])), waited };
}

/** Ends all writing, waits until all is done and looks at it. */
async function judge(arena: Arena, faults: readonly Planned[]): Promise<Report> {
  const { crew, observer, folder } = arena;
  const isAtRest = await crew.rest();
  const drainedMs = await arena.drain(drainMs);
  const facts = await observer.facts(arena.operations());
  const endless = { what: "a change does not come to an end", where: "publisher" };
  return {
    faults,
    folder,
    complaints: [...(isAtRest ? [] : [endless]), ...check(facts)],
    counts: {
      ...countsOf(facts),
      ...crew.counts(),
      restarts: crew.restarts(),
      drainMs: Math.round(drainedMs),
      ...(await observer.turns()),
    },
  };
}

function countsOf({ operations, versions, consumers }: Facts): Record<string, number> {
  const outcomes = (kind: Operation["outcome"]["kind"]) =>
    operations.filter(({ outcome }) => outcome.kind === kind).length;
  const total = (numbers: Iterable<number>) => [...numbers].reduce((sum, it) => sum + it, 0);
  return {
    changes: operations.length,
    acknowledged: outcomes("acknowledged"),
    refused: outcomes("refused"),
    unknown: outcomes("unknown"),
    committed: total(versions.values()),
    effects: total(consumers.map(({ effects }) => effects.length)),
    deadLetters: total(consumers.map(({ deadLetters }) => deadLetters.length)),
  };
}
