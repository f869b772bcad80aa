/** A process that serves or calls for one peer, as its parent orders. */
import { runLoad } from "./load.ts";
import type { Order, OrderName, Orders, Reply, StartClient, StartServer, WorkCases } from "./orders.ts";

type Obey = { [K in OrderName]: (order: Orders[K]["order"]) => Promise<Orders[K]["answer"]> };

interface Calling {
  readonly client: unknown;
  readonly cases: WorkCases<unknown>;
}

let calling: Calling | undefined;

const obey: Obey = {
  async serve({ module, options }) {
    const { startServer } = (await import(module)) as { startServer: StartServer };
    const { address } = await startServer(options);
    return { address };
  },
  async connect({ module, work, address, options }) {
    const { startClient } = (await import(module)) as { startClient: StartClient<unknown> };
    const { workCases } = (await import(work)) as { workCases: WorkCases<unknown> };
    calling = { client: await startClient(address, options), cases: workCases };
  },
  async check({ name }) {
    const { client, work } = caseOf(name);
    await work.check(client);
  },
  async load({ name, lanes, ms }) {
    const { client, work } = caseOf(name);
    return runLoad({ work: work.work(client), lanes, ms });
  },
  async run({ module, name, options }) {
    const exported = (await import(module)) as Record<string, (options: unknown) => unknown>;
    return exported[name]?.(options);
  },
  async usage() {
    const { user, system } = process.cpuUsage();
    return { cpuMicros: user + system, rssBytes: process.memoryUsage.rss() };
  },
};

function caseOf(name: string) {
  const work = calling?.cases[name];
  if (!calling || !work) throw new Error(`this worker has no case "${name}"`);
  return { client: calling.client, work };
}

const reply = (message: Reply) => void process.send?.(message);

process.on("message", ({ id, name, order }: Order) => {
  (obey[name] as (order: unknown) => Promise<unknown>)(order).then(
    (answer) => reply({ id, answer }),
    (error: unknown) => reply({ id, failure: (error instanceof Error && error.stack) || String(error) }),
  );
});
// A terminal sends Ctrl-C to all of us: the parent decides, and if it is gone there is nobody to work for.
for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
process.on("disconnect", () => process.exit());
