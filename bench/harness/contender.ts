import { startChild } from "./child.ts";
import type { PeerOptions } from "./orders.ts";

/** One who takes part: two modules, and how they are set up. */
export interface Peer {
  readonly name: string;
  /** File URL of a module with `startServer`. */
  readonly server: string;
  /** File URL of a module with `startClient`. */
  readonly client: string;
  readonly options?: PeerOptions;
}

/** Which work, and how much of it at a time. */
export interface Cell {
  readonly name: string;
  readonly lanes: number;
}

/** What one round showed. */
export interface Figures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuClientMicros: number;
  readonly cpuServerMicros: number;
  readonly rssClientMb: number;
  readonly rssServerMb: number;
}

/** A peer that runs, and what is seen of it in each round. */
export interface Contender<F = Figures> {
  readonly name: string;
  /** Throws when it does not do the work. */
  check(name: string): Promise<void>;
  measure(cell: Cell, ms: number): Promise<F>;
  stop(): Promise<void>;
}

/** A process that serves, and one that calls. */
export async function startContender(peer: Peer, work: string, signal: AbortSignal): Promise<Contender> {
  const { name, options = {} } = peer;
  const server = startChild(`server of ${name}`, signal);
  const client = startChild(`client of ${name}`, signal);
  const stop = async () => void (await Promise.all([client.stop(), server.stop()]));
  try {
    const { address } = await server.ask("serve", { module: peer.server, options });
    await client.ask("connect", { module: peer.client, work, address, options });
  } catch (error) {
    await stop();
    throw error;
  }

  const usage = () => Promise.all([client.ask("usage", {}), server.ask("usage", {})]);
  return {
    name,
    stop,
    check: (name) => client.ask("check", { name }),
    async measure(cell, ms) {
      const [clientBefore, serverBefore] = await usage();
      const { total, ...result } = await client.ask("load", { ...cell, ms });
      const [clientAfter, serverAfter] = await usage();
      return {
        ...result,
        cpuClientMicros: (clientAfter.cpuMicros - clientBefore.cpuMicros) / total,
        cpuServerMicros: (serverAfter.cpuMicros - serverBefore.cpuMicros) / total,
        rssClientMb: clientAfter.rssBytes / 2 ** 20,
        rssServerMb: serverAfter.rssBytes / 2 ** 20,
      };
    },
  };
}

/** Runs with all of them, and leaves none behind. */
export async function withContenders<T>(
  peers: readonly Peer[],
  work: string,
  signal: AbortSignal,
  use: (contenders: readonly Contender[]) => Promise<T>,
): Promise<T> {
  const contenders: Contender[] = [];
  try {
    for (const peer of peers) contenders.push(await startContender(peer, work, signal));
    return await use(contenders);
  } finally {
    await Promise.all(contenders.map((it) => it.stop()));
  }
}
