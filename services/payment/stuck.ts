import type { Open } from "./open-store.ts";

/** Says so when something has waited for a provider for longer than is right. */
export function requireNothingStuck(
  { payments, refunds, orders, oldestAt }: Open,
  nowMs: number,
  mostMs: number,
): void {
  const waitedMs = oldestAt ? nowMs - oldestAt.getTime() : 0;
  if (waitedMs <= mostMs) return;
  throw new Error(
    `${payments} payments and ${refunds} refunds are open and ${orders} orders are owed for, the oldest for ${Math.round(waitedMs / 60_000)} minutes; see whether the provider answers, whether its callbacks come, and whether refunds fail`,
  );
}
