import { setTimeout as sleep } from "node:timers/promises";
import type { ConsumerMessages } from "@nats-io/jetstream";
import type { Subscription } from "@nats-io/transport-node";

/** Longest wait for what is on its way here. */
const drainMs = 1000;

/**
 * Ends a consumer so that all that the broker has sent to it comes out, to be
 * handed back. The client's own `close` forgets what is on its way, which nobody
 * would get until its time is over.
 */
export async function endInPeace(messages: ConsumerMessages): Promise<void> {
  const subscription: unknown = Reflect.get(messages, "sub");
  if (canDrain(subscription)) {
    await Promise.race([subscription.drain().catch(() => {}), sleep(drainMs, undefined, { ref: false })]);
  }
  await messages.close();
}

const canDrain = (it: unknown): it is Pick<Subscription, "drain"> =>
  typeof it === "object" && it !== null && "drain" in it && typeof it.drain === "function";
