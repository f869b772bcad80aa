import { fail } from "../../errors.ts";
import type { BackoffPolicy } from "../../resilience/backoff.ts";
import type { EventType } from "../contract/event-type.ts";
import { eventTypeOf } from "../contract/event-type.ts";
import type { Subscription } from "./on.ts";

/** How one consumer goes about its events, read once from what its service declares. */
export interface ConsumerPolicy {
  readonly service: string;
  /** Unique within its service, and fit for names of the broker. */
  readonly name: string;
  readonly stream: string;
  readonly types: readonly EventType[];
  readonly concurrency: number;
  readonly together: number;
  readonly gatherMs: number;
  readonly ordered: boolean;
  readonly attempts: number;
  readonly backoff: BackoffPolicy;
  readonly timeoutMs: number;
  readonly from: "kept" | "now";
}

function compileConsumer(service: string, { schemas, options }: Subscription): ConsumerPolicy {
  const types = schemas.map(eventTypeOf);
  const [first] = types;
  if (!first) throw bad(service, "handles no event", "name at least one in `on`");
  const others = types.filter(({ stream }) => stream !== first.stream);
  if (others.length > 0) {
    throw bad(
      service,
      `handles ${first.name} together with ${others.map(({ name }) => name).join(", ")}`,
      "handle events of different services apart: there is no order between them",
    );
  }
  const name = (options.name ?? first.subject).replace(/[^\w-]/g, "_");
  return {
    service,
    name,
    stream: first.stream,
    types,
    concurrency: options.concurrency ?? 8,
    together: options.together ?? 1,
    gatherMs: options.gatherMs ?? 0,
    ordered: options.ordered ?? false,
    attempts: options.attempts ?? 10,
    backoff: { baseMs: options.backoffMs ?? 1000, maxMs: options.maxBackoffMs ?? 5 * 60_000 },
    timeoutMs: options.timeoutMs ?? 30_000,
    from: options.from ?? "kept",
  };
}

/** What a service handles, and how. */
export interface CompiledConsumer {
  readonly policy: ConsumerPolicy;
  readonly subscription: Subscription;
}

export function compileConsumers(
  service: string,
  subscriptions: readonly Subscription[],
  hasDatabase: boolean,
): CompiledConsumer[] {
  const compiled = subscriptions.map((it) => ({ policy: compileConsumer(service, it), subscription: it }));
  const names = new Set<string>();
  for (const { policy } of compiled) {
    const { name, ordered } = policy;
    if (names.has(name)) {
      throw bad(service, `has two consumers called ${name}`, "give one of them another `name`");
    }
    names.add(name);
    if (policy.gatherMs > 0 && (policy.together === 1 || ordered)) {
      throw bad(
        service,
        `gathers events for ${name} and handles them one by one`,
        "say how many may share a transaction (`together`), or leave `gatherMs`",
      );
    }
    if (ordered && !hasDatabase) {
      throw bad(
        service,
        `is to keep the order of ${name} and has no database`,
        "give it one, or leave the order",
      );
    }
  }
  return compiled;
}

const bad = (service: string, what: string, remedy: string): Error =>
  fail.precondition("bad_consumer", `${service} ${what}`, { remedy });
