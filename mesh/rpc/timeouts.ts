import { longestTimerMs } from "../contract/policy.ts";

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000 };

/**
 * Shortens timeouts that no timer can hold. The protocols allow them, but the
 * call would then end at once; our own policies are far shorter anyway.
 */
export function capTimeouts(headers: Headers): void {
  const connect = headers.get("connect-timeout-ms");
  if (connect && /^\d{1,10}$/.test(connect) && Number(connect) > longestTimerMs) {
    headers.set("connect-timeout-ms", `${longestTimerMs}`);
  }
  const [, amount, unit = ""] = /^(\d{1,8})([HMS])$/.exec(headers.get("grpc-timeout") ?? "") ?? [];
  if (Number(amount) * (unitMs[unit] ?? 0) > longestTimerMs) {
    headers.set("grpc-timeout", `${Math.floor(longestTimerMs / 1000)}S`);
  }
}
