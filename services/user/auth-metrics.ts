import type { Metrics } from "#mesh";
import { reasonOf } from "#mesh";
import type { Gate } from "./gate.ts";

/** Runs what answers a call and counts how it ended. */
export type CountOutcome = <T>(action: string, work: () => Promise<T>) => Promise<T>;

/** How often people got in, and why not. */
export function countOutcomes(metrics: Metrics): CountOutcome {
  const outcomes = metrics.counter({
    name: "user_auth_total",
    help: "Registrations, logins, refreshes and the like, by outcome: ok or the reason of the error.",
    labels: ["action", "outcome"],
  });
  return async (action, work) => {
    try {
      const answer = await work();
      outcomes.inc({ action, outcome: "ok" });
      return answer;
    } catch (error) {
      outcomes.inc({ action, outcome: reasonOf(error) });
      throw error;
    }
  };
}

export function showHashGate(metrics: Metrics, gate: Gate): void {
  metrics.gauge({
    name: "user_password_hashes_running",
    help: "Password hashes being computed.",
    collect: (gauge) => gauge.set(gate.running),
  });
  metrics.gauge({
    name: "user_password_hashes_waiting",
    help: "Password hashes waiting for their turn.",
    collect: (gauge) => gauge.set(gate.waiting),
  });
}
