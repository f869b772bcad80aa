import type { LoadResult, Work } from "./load.ts";

/** Settings of one peer, as they travel to its processes. */
export type PeerOptions = Readonly<Record<string, unknown>>;

/** What a module that serves exports as `startServer`. */
export type StartServer = (options: PeerOptions) => Promise<{
  /** Whatever its client needs to find it. */
  readonly address: string;
}>;

/** What a module that calls exports as `startClient`. */
export type StartClient<C> = (address: string, options: PeerOptions) => Promise<C>;

/** One kind of work that clients can be given. */
export interface WorkCase<C> {
  /** Throws when the peer does not do the work it is to be measured by. */
  check(client: C): Promise<void>;
  work(client: C): Work;
}

/** What a module of work exports as `workCases`. */
export type WorkCases<C> = Readonly<Record<string, WorkCase<C>>>;

export interface Usage {
  readonly cpuMicros: number;
  readonly rssBytes: number;
}

/** What the parent asks of a worker, and what it gets. Modules are file URLs. */
export interface Orders {
  serve: { order: { module: string; options: PeerOptions }; answer: { address: string } };
  connect: {
    order: { module: string; work: string; address: string; options: PeerOptions };
    answer: undefined;
  };
  check: { order: { name: string }; answer: undefined };
  load: { order: { name: string; lanes: number; ms: number }; answer: LoadResult };
  /** Calls a function that a module exports; it and its answer are for the parent to know. */
  run: { order: { module: string; name: string; options: PeerOptions }; answer: unknown };
  usage: { order: Record<never, never>; answer: Usage };
}

export type OrderName = keyof Orders;

export interface Order<K extends OrderName = OrderName> {
  readonly id: number;
  readonly name: K;
  readonly order: Orders[K]["order"];
}

/** `failure` is a stack, since an error does not survive the way. */
export type Reply = { readonly id: number } & ({ readonly answer: unknown } | { readonly failure: string });
