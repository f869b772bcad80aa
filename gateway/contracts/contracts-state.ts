import type { Instance } from "#mesh/discovery/instance.ts";
import type { Candidate, Standings } from "./admission.ts";
import { admit, byAge, settleMs } from "./admission.ts";
import type { ContractChange } from "./changes.ts";
import type { Claims } from "./claims.ts";
import { compareContracts } from "./compare-contracts.ts";
import type { ContractLoader, Wanted } from "./contract-loader.ts";
import { keyOf } from "./contract-loader.ts";
import type { ContractReport, ServedContract } from "./contracts.ts";
import { mostServices } from "./limits.ts";
import type { Recorded } from "./routes-record.ts";
import type { Running } from "./running.ts";
import { runningContracts } from "./running.ts";

export interface ContractsStateOptions {
  own: Claims;
  loader: Pick<ContractLoader, "want" | "reading" | "trouble">;
  now: () => number;
}

export interface SeenService {
  readonly name: string;
  /** Sorted by id. */
  readonly instances: readonly Instance[];
}

export interface Settled {
  readonly served: readonly ServedContract[];
  readonly reports: readonly ContractReport[];
  readonly isChanged: boolean;
  /** Is nothing waited for? */
  readonly isComplete: boolean;
}

/** The gateway announces itself too, and nobody else's contracts are its own. */
const gateway = "gateway";
/** One makes room for another, and that one for a third; an end to it all the same. */
const mostRounds = 20;

/** What is served, decided anew whenever something has changed. It does no I/O. */
export function createContractsState({ own, loader, now }: ContractsStateOptions) {
  let standings: Standings = new Map();
  /** Of the record, until they are admitted, refused, or not needed any more. */
  let recorded = new Map<string, Recorded>();
  let hasRecord = false;
  let isPatient = true;
  let seen = new Map<string, readonly Running[]>();
  let served: readonly ServedContract[] = [];
  let reports: readonly ContractReport[] = [];
  const changes = new Map<string, readonly ContractChange[]>();

  /** Newest first, and only what is newer than what is served. */
  const newer = (service: string): readonly Running[] => {
    const running = seen.get(service) ?? [];
    const standing = standings.get(service)?.contract.hash;
    const at = running.findIndex(({ hash }) => hash === standing);
    return at < 0 ? running : running.slice(0, at);
  };

  const restore = (): void => {
    const candidates: Candidate[] = [];
    for (const [service, { hash, since }] of recorded) {
      const reading = loader.reading({ service, hash });
      const isLost = loader.trouble({ service, hash }) !== undefined;
      if (reading || isLost || standings.has(service)) recorded.delete(service);
      if (reading?.contract && !standings.has(service))
        candidates.push({ contract: reading.contract, since });
    }
    for (const candidate of candidates.sort(byAge)) {
      const admitted = admit(standings, candidate, own, now() - settleMs);
      if ("standings" in admitted) standings = admitted.standings;
    }
  };

  /** Of each service the newest contract that is admitted; those of the oldest instances have the first word. */
  const round = (problems: Map<string, readonly string[]>): boolean => {
    const before = standings;
    const ready = [...seen.keys()].flatMap((service) =>
      newer(service).flatMap(({ hash, since }) => {
        const contract = loader.reading({ service, hash })?.contract;
        return contract ? [{ contract, since }] : [];
      }),
    );
    for (const candidate of ready.sort(byAge)) {
      const { service, hash } = candidate.contract;
      if (!newer(service).some((it) => it.hash === hash)) continue;
      const admitted = admit(standings, candidate, own, now());
      if ("standings" in admitted) {
        standings = admitted.standings;
        problems.delete(keyOf(candidate.contract));
      } else problems.set(keyOf(candidate.contract), admitted.problems);
    }
    return standings !== before;
  };

  const reportOf = (
    { hash }: Running,
    service: string,
    conflicts: ReadonlyMap<string, readonly string[]>,
  ) => {
    const wanted = { service, hash };
    const reading = loader.reading(wanted);
    const trouble = loader.trouble(wanted);
    const problems = reading?.problems ?? conflicts.get(keyOf(wanted)) ?? [];
    // One that is read may still wait for those that were here before it.
    const status = reading && problems.length > 0 ? ("refused" as const) : ("loading" as const);
    const before = standings.get(service)?.contract;
    const changes = reading?.contract && before ? compared(before, reading.contract) : [];
    return { service, hash, status, problems: reading ? problems : trouble ? [trouble] : [], changes };
  };

  return {
    /** What the record has. Those who come new wait for it. */
    restore(entries: readonly Recorded[]): void {
      recorded = new Map(entries.filter(({ service }) => service !== gateway).map((it) => [it.service, it]));
      hasRecord = true;
    },
    /** It took too long: from here on who comes first is first. */
    waitNoLonger(): void {
      isPatient = false;
    },
    settle(services: readonly SeenService[]): Settled {
      seen = bounded(services, standings);
      dropGone();
      loader.want(wanted());
      const problems = new Map<string, readonly string[]>();
      const formerly = standings;
      restore();
      const isWaiting = isPatient && (!hasRecord || recorded.size > 0);
      for (let rounds = 0; !isWaiting && rounds < mostRounds && round(problems); rounds++);
      noteChanges(formerly);
      const nextServed = Array.from(standings.values(), (it) => it.contract).sort(byService);
      const nextReports = nextServed.map(
        ({ service, hash }): ContractReport => ({
          service,
          hash,
          status: "served",
          problems: [],
          changes: changes.get(service) ?? [],
        }),
      );
      for (const service of seen.keys())
        for (const it of newer(service)) nextReports.push(reportOf(it, service, problems));
      nextReports.sort(byService);
      const isSame = sameList(served, nextServed);
      const isChanged = !isSame || JSON.stringify(reports) !== JSON.stringify(nextReports);
      if (!isSame) served = nextServed;
      if (isChanged) reports = nextReports;
      const isComplete = !isWaiting && reports.every(({ status }) => status !== "loading");
      return { served, reports, isChanged, isComplete };
    },
    /** What the record is to have: of those that run. */
    recordable: (): readonly Recorded[] =>
      [...standings.values()]
        .filter(({ contract }) => seen.has(contract.service))
        .map(({ contract: { service, hash }, since }) => ({ service, hash, since })),
  };

  function wanted(): Wanted[] {
    const running = [...seen].flatMap(([service, all]) => all.map(({ hash }) => ({ service, hash })));
    const gone = Array.from(recorded.values(), ({ service, hash }) => ({ service, hash }));
    return [...running, ...gone];
  }

  /** So that services which come and go do not fill our memory, the one that is gone yields its place. */
  function dropGone(): void {
    const gone = [...standings.values()].filter(({ contract }) => !seen.has(contract.service)).sort(byAge);
    const names = new Set([...standings.keys(), ...seen.keys()]);
    const many = gone.slice(0, Math.max(0, names.size - mostServices));
    if (many.length === 0) return;
    const rest = new Map(standings);
    for (const { contract } of many) rest.delete(contract.service);
    standings = rest;
  }

  function noteChanges(formerly: Standings): void {
    for (const service of [...changes.keys()]) if (!standings.has(service)) changes.delete(service);
    for (const [service, { contract }] of standings) {
      const former = formerly.get(service)?.contract;
      if (former && former !== contract) changes.set(service, compared(former, contract));
    }
  }
}

/** What waits to be admitted is compared once, not on each change of anything. */
const comparisons = new WeakMap<
  ServedContract,
  { before: ServedContract; changes: readonly ContractChange[] }
>();

function compared(before: ServedContract, after: ServedContract): readonly ContractChange[] {
  const known = comparisons.get(after);
  if (known?.before === before) return known.changes;
  const changes = compareContracts(before, after);
  comparisons.set(after, { before, changes });
  return changes;
}

const byService = (a: Wanted, b: Wanted): number =>
  a.service === b.service ? 0 : a.service < b.service ? -1 : 1;
const sameList = <T>(a: readonly T[], b: readonly T[]): boolean =>
  a.length === b.length && a.every((it, i) => it === b[i]);

/** Those that are served keep their place; of the others the oldest are taken, as every gateway would. */
function bounded(services: readonly SeenService[], standings: Standings): Map<string, readonly Running[]> {
  const first = (it: SeenService) => it.instances[0]?.id ?? "";
  const rank = (it: SeenService) => (standings.has(it.name) ? 0 : 1);
  const ordered = services
    .filter((it) => it.name !== gateway && it.instances.length > 0)
    .sort((a, b) => rank(a) - rank(b) || (first(a) < first(b) ? -1 : 1));
  return new Map(ordered.slice(0, mostServices).map((it) => [it.name, runningContracts(it.instances)]));
}
