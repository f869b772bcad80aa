import { setTimeout as sleep } from "node:timers/promises";
import type { Crew } from "./crew.ts";
import { streamName } from "./observe.ts";
import type { Fault, Member, Planned } from "./plan.ts";
import { crew as names } from "./plan.ts";
import type { StoreServer } from "./stores.ts";
import { backendsOf, bringBack, keepCopy, messagesOf, signal } from "./stores.ts";

export interface Battlefield {
  readonly folder: string;
  readonly crew: Crew;
  readonly nats: StoreServer;
  readonly postgres: StoreServer;
  /** The publisher whose relay has the lease; nothing when the database cannot tell now. */
  readonly relayHolder: () => Promise<Member | undefined>;
  /** Leaves the stream room for so many bytes more than it has, or as much as usual. */
  readonly limit: (room: number | undefined) => Promise<void>;
  /** Told of each fault as it begins. */
  readonly told: (fault: Planned) => void;
}

/** Room for a few more messages, so that the stream refuses in the middle of a batch. */
const littleRoom = 2000;

/** Carries out a plan; resolves when the time and all faults are over. */
export const rage = (plan: readonly Planned[], forMs: number, field: Battlefield): Promise<void> =>
  carryOut(plan, forMs, async (fault) => {
    field.told(fault);
    await strike(fault, field);
  });

/** Begins each at its time, with the time that it was begun. */
export async function carryOut<F extends { readonly atMs: number }>(
  plan: readonly F[],
  forMs: number,
  begin: (fault: F) => Promise<void>,
): Promise<void> {
  const fromMs = performance.now();
  const underWay: Promise<void>[] = [];
  for (const fault of plan) {
    await sleep(Math.max(0, fault.atMs - (performance.now() - fromMs)));
    underWay.push(begin({ ...fault, atMs: Math.round(performance.now() - fromMs) }));
  }
  await Promise.all([...underWay, sleep(Math.max(0, forMs - (performance.now() - fromMs)))]);
}

async function strike(fault: Fault, field: Battlefield): Promise<void> {
  const { folder, crew, nats, postgres } = field;
  switch (fault.kind) {
    case "kill": {
      const { forMs } = fault;
      const target = await who(fault.target, field);
      if (target === "nats" || target === "postgres") return field[target].kill(() => sleep(forMs));
      crew.mate(target).kill(forMs);
      return sleep(forMs);
    }
    case "crash-backend": {
      const backends = backendsOf(postgres);
      const pid = backends[fault.pick % backends.length];
      if (pid !== undefined) signal(pid, "SIGKILL");
      return;
    }
    case "stop": {
      const target = await who(fault.target, field);
      if (target === "nats" || target === "postgres") {
        const pids = field[target].pids();
        for (const pid of pids) signal(pid, "SIGSTOP");
        await sleep(fault.forMs);
        for (const pid of pids) signal(pid, "SIGCONT");
        return;
      }
      crew.mate(target).signal("SIGSTOP");
      await sleep(fault.forMs);
      return crew.mate(target).signal("SIGCONT");
    }
    case "cut":
      return crew.mate(fault.target).ways[fault.store].cut();
    case "stall": {
      const way = crew.mate(fault.target).ways[fault.store];
      way.stall(fault.direction);
      await sleep(fault.forMs);
      if (fault.breaks) way.cut();
      return way.heal();
    }
    case "refuse": {
      const way = crew.mate(fault.target).ways[fault.store];
      await way.refuse();
      await sleep(fault.forMs);
      return way.heal();
    }
    case "fill":
      await field.limit(littleRoom);
      await sleep(fault.forMs);
      return field.limit(undefined);
    case "forget":
      if (!keepCopy(nats, folder)) return;
      await sleep(fault.forMs);
      return nats.kill(async () => bringBack(folder));
    case "behead":
      if (!keepCopy(nats, folder)) return;
      await sleep(fault.forMs);
      return nats.kill(async () => bringBack(folder, messagesOf(streamName)));
  }
}

async function who(target: Member | "nats" | "postgres" | "relay", field: Battlefield) {
  return target === "relay" ? ((await field.relayHolder()) ?? names[0]) : target;
}
