import type { DescService } from "@bufbuild/protobuf";
import type { Logger, Nats } from "#mesh";
import { loadContracts } from "#mesh/discovery/contracts-bucket.ts";
import type { DiscoveredDirectory } from "#mesh/discovery/directory.ts";
import { bindingsOf } from "../routing/bindings-of.ts";
import { claimsOf } from "./claims.ts";
import { createContractLoader } from "./contract-loader.ts";
import type { ContractReport, ContractsSnapshot, LiveContracts } from "./contracts.ts";
import { createContractsState } from "./contracts-state.ts";
import type { Recorded } from "./routes-record.ts";
import { keepRoutesRecord } from "./routes-record.ts";

export interface LiveContractsOptions {
  nats: Nats;
  directory: DiscoveredDirectory;
  log: Logger;
  /** What the gateway answers itself: their names and routes are nobody else's. Default: none. */
  own?: readonly DescService[];
  /** Default: `performance.now`. */
  now?: () => number;
  /** Default: `Math.random`. */
  random?: () => number;
}

/** How long the start waits for what is announced, and for the record, to be there. */
const startMs = 3000;
/** How long newcomers wait for the record, which has those who were here before. */
const recordMs = 1000;

/**
 * Follows what services announce, and serves their contracts. Resolves when
 * those that are known now are served or refused, or without them when the
 * broker does not answer: they then come by themselves.
 */
export async function openContracts(options: LiveContractsOptions): Promise<LiveContracts> {
  const { nats, directory, log, own = [], now = () => performance.now(), random = Math.random } = options;
  const listeners = new Set<(snapshot: ContractsSnapshot) => void>();
  const settled = Promise.withResolvers<void>();
  let snapshot: ContractsSnapshot = { version: 0, served: [], reports: [] };
  let isClosed = false;
  let isDue = false;

  const loader = createContractLoader({
    load: (hash) => loadContracts(nats, hash),
    changed: () => settleSoon(),
  });
  const state = createContractsState({
    own: claimsOf(
      own,
      own.flatMap((it) => bindingsOf(it).bindings),
    ),
    loader,
    now,
  });

  const settle = () => {
    isDue = false;
    if (isClosed) return;
    const services = directory.services().map((name) => ({ name, instances: directory.instances(name) }));
    const next = state.settle(services);
    const before = snapshot;
    if (next.isChanged) {
      snapshot = { version: before.version + 1, served: next.served, reports: next.reports };
      tell(log, before.reports, snapshot.reports);
      for (const listener of [...listeners]) notify(listener, snapshot, log);
      if (next.served !== before.served) record.write();
    }
    if (next.isComplete) settled.resolve();
  };
  /** What changes together is settled together. */
  const settleSoon = () => {
    if (isDue || isClosed) return;
    isDue = true;
    setImmediate(settle);
  };

  const record = keepRoutesRecord({
    nats,
    log,
    random,
    restored: (entries: readonly Recorded[]) => {
      state.restore(entries);
      settleSoon();
    },
    served: () => state.recordable(),
  });
  const patience = setTimeout(() => {
    state.waitNoLonger();
    settleSoon();
  }, recordMs).unref();
  const forget = directory.watchServices(settleSoon);
  const close = () => {
    isClosed = true;
    clearTimeout(patience);
    forget();
    loader.close();
    void record.stop();
  };
  void nats.connection.closed().then(close);
  settleSoon();
  const start = setTimeout(settled.resolve, startMs).unref();
  await settled.promise;
  clearTimeout(start);

  return {
    current: () => snapshot,
    onChange(listener) {
      // The same function may listen twice.
      const own = (it: ContractsSnapshot) => listener(it);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    close,
  };
}

function notify(listener: (snapshot: ContractsSnapshot) => void, snapshot: ContractsSnapshot, log: Logger) {
  try {
    listener(snapshot);
  } catch (err) {
    log.error({ err }, "what follows the contracts failed on a change of them");
  }
}

/** One line for each report that is new. */
function tell(log: Logger, before: readonly ContractReport[], reports: readonly ContractReport[]): void {
  const known = new Set(before.map(reportKey));
  for (const report of reports) {
    if (known.has(reportKey(report))) continue;
    const { service, hash, status, problems, changes } = report;
    const breaking = changes.filter(({ kind }) => kind === "breaking").map(({ what }) => what);
    const facts = { contract: service, hash: hash.slice(0, 12) };
    if (status === "refused")
      log.warn({ ...facts, problems }, "a contract is refused; what its service had before stays served");
    else if (status === "loading") {
      if (problems.length > 0)
        log.warn({ ...facts, problems }, "a contract is announced and cannot be loaded");
    } else if (breaking.length > 0)
      log.warn(
        { ...facts, breaking: breaking.slice(0, 20) },
        "a contract is served that breaks the one before",
      );
    else log.info(facts, "a contract is served");
  }
}

const reportKey = ({ service, hash, status, problems }: ContractReport): string =>
  [service, hash, status, ...problems].join("\n");
