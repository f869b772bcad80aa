import type { Random } from "../../gateway/kit/fuzz-random.ts";
import { between, plan } from "../plan.ts";

/** The processes that take part in an order. */
export const services = ["gateway", "security", "user", "product", "order", "payment"] as const;
export type Service = (typeof services)[number];
export type Target = Service | "nats" | "postgres";

export type Fault =
  | { readonly kind: "kill"; readonly target: Target; readonly forMs: number }
  | { readonly kind: "stop"; readonly target: Target; readonly forMs: number }
  /** A process of PostgreSQL that serves one connection; it ends all others for safety. */
  | { readonly kind: "crash-backend"; readonly pick: number }
  /** All services at once, and who looks after them. */
  | { readonly kind: "power"; readonly forMs: number }
  /** Those who take the money answer 503. */
  | { readonly kind: "outside"; readonly forMs: number };

export type Planned = Fault & { readonly atMs: number };

export const faultKinds = ["kill", "stop", "crash-backend", "power", "outside"] as const;
export type FaultKind = Fault["kind"];

/** Those that money goes through are hit more often. */
const targets: readonly Target[] = [
  ...services,
  "order",
  "payment",
  "product",
  "order",
  "payment",
  "nats",
  "postgres",
];
/** Kills most of all. */
const often: readonly FaultKind[] = [
  "kill",
  "kill",
  "kill",
  "stop",
  "stop",
  "crash-backend",
  "outside",
  "power",
];

/** A service that is killed takes seconds until it is at work again. */
const gaps = { leastMs: 1500, mostMs: 6000 };

/** The same for the same seed, whatever comes of it. */
export function planFaults(seed: number, forMs: number, kinds: readonly FaultKind[]): Planned[] {
  const chosen = often.filter((kind) => kinds.includes(kind));
  return chosen.length === 0 ? [] : plan(seed, forMs, gaps, (random) => fault(random, random.of(chosen)));
}

function fault(random: Random, kind: FaultKind): Fault {
  const forMs = between(random, 500, 4000);
  switch (kind) {
    case "kill":
      return { kind, target: random.of(targets), forMs: random.below(1000) };
    case "stop":
      return { kind, target: random.of(targets), forMs };
    case "crash-backend":
      return { kind, pick: random.below(1000) };
    case "power":
    case "outside":
      return { kind, forMs };
  }
}

/** One line for people. */
export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case "kill":
      return `kill -9 ${fault.target}`;
    case "stop":
      return `stop ${fault.target} for ${fault.forMs} ms`;
    case "crash-backend":
      return "kill -9 a backend of postgres";
    case "power":
      return "kill -9 all services";
    case "outside":
      return `the card processor and mobile money are down for ${fault.forMs} ms`;
  }
}
