import type { Random } from "../gateway/kit/fuzz-random.ts";
import { createRandom } from "../gateway/kit/fuzz-random.ts";

/** What a fault can hit, by the name of its process. */
export const crew = [
  "publisher-1",
  "publisher-2",
  "shared-1",
  "shared-2",
  "ordered-1",
  "ordered-2",
  "poisoned-1",
] as const;
export type Member = (typeof crew)[number];
const stores = ["nats", "postgres"] as const;
export type Store = (typeof stores)[number];
export type Direction = "up" | "down" | "both";

export type Fault =
  | { readonly kind: "kill"; readonly target: Member | Store | "relay"; readonly forMs: number }
  /** A process of PostgreSQL that serves one connection; it ends all others for safety. */
  | { readonly kind: "crash-backend"; readonly pick: number }
  | { readonly kind: "stop"; readonly target: Member | Store | "relay"; readonly forMs: number }
  | { readonly kind: "cut"; readonly target: Member; readonly store: Store }
  /** In the middle of a message; ends with the rest of it, or with a connection that breaks. */
  | {
      readonly kind: "stall";
      readonly target: Member;
      readonly store: Store;
      readonly direction: Direction;
      readonly forMs: number;
      readonly breaks: boolean;
    }
  | { readonly kind: "refuse"; readonly target: Member; readonly store: Store; readonly forMs: number }
  /** The stream has no room. */
  | { readonly kind: "fill"; readonly forMs: number }
  /** NATS comes back as it was so long ago: what it acknowledged since is gone. */
  | { readonly kind: "forget"; readonly forMs: number }
  /** The same for the stream of the events alone: its consumers are ahead of it then. */
  | { readonly kind: "behead"; readonly forMs: number };

export type Planned = Fault & { readonly atMs: number };

export const faultKinds = [
  "kill",
  "crash-backend",
  "stop",
  "cut",
  "stall",
  "refuse",
  "fill",
  "forget",
  "behead",
] as const;
export type FaultKind = Fault["kind"];

/** Between two faults; they may overlap. */
export interface Gaps {
  readonly leastMs: number;
  readonly mostMs: number;
}
const gaps: Gaps = { leastMs: 300, mostMs: 2200 };

/** The same for the same seed, whatever comes of it. */
export const planFaults = (seed: number, forMs: number, kinds: readonly FaultKind[]): Planned[] =>
  kinds.length === 0 ? [] : plan(seed, forMs, gaps, (random) => fault(random, random.of(kinds)));

/** One fault after the other, at times of chance. */
export function plan<F extends object>(
  seed: number,
  forMs: number,
  { leastMs, mostMs }: Gaps,
  next: (random: Random) => F,
): (F & { readonly atMs: number })[] {
  const random = createRandom(seed);
  const planned: (F & { readonly atMs: number })[] = [];
  for (let atMs = 500; atMs < forMs; atMs += between(random, leastMs, mostMs)) {
    planned.push({ ...next(random), atMs });
  }
  return planned;
}

export const between = (random: Random, least: number, most: number) => least + random.below(most - least);

function fault(random: Random, kind: FaultKind): Fault {
  const member = () => random.of(crew);
  const store = () => random.of(stores);
  const process = () => random.of([...crew, ...stores, ...stores, "relay"] as const);
  const forMs = between(random, 1000, 6000);
  switch (kind) {
    case "kill":
      return { kind, target: process(), forMs: random.below(1000) };
    case "crash-backend":
      return { kind, pick: random.below(1000) };
    case "stop":
      return { kind, target: process(), forMs };
    case "cut":
      return { kind, target: member(), store: store() };
    case "stall":
      return {
        kind,
        target: member(),
        store: store(),
        direction: random.of(["up", "down", "both"]),
        forMs,
        breaks: random.oneIn(2),
      };
    case "refuse":
      return { kind, target: member(), store: store(), forMs };
    case "fill":
      return { kind, forMs };
    case "forget":
    case "behead":
      return { kind, forMs: between(random, 500, 3000) };
  }
}

/** One line for people. */
export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case "kill":
      return `kill -9 ${fault.target}`;
    case "crash-backend":
      return "kill -9 a backend of postgres";
    case "stop":
      return `stop ${fault.target} for ${fault.forMs} ms`;
    case "cut":
      return `cut ${fault.target} from ${fault.store}`;
    case "stall": {
      const { target, store, direction, forMs, breaks } = fault;
      return `stall ${target} and ${store} (${direction}) for ${forMs} ms${breaks ? ", then cut" : ""}`;
    }
    case "refuse":
      return `refuse ${fault.target} at ${fault.store} for ${fault.forMs} ms`;
    case "fill":
      return `no room in the stream for ${fault.forMs} ms`;
    case "forget":
      return `nats forgets its last ${fault.forMs} ms`;
    case "behead":
      return `the stream forgets its last ${fault.forMs} ms, and its consumers do not`;
  }
}
