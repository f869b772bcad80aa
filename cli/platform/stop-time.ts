import type { Environment } from "#mesh";
import { meshFields, readConfig } from "#mesh";

/** To close stores and processes, beyond what services may wait for calls in flight. */
const closingMs = 10_000;

/** How long services may take to stop, as the environment that they run in says. */
export function stopTimeMs(env: Environment): number {
  const { SHUTDOWN_DELAY, SHUTDOWN_GRACE } = meshFields;
  const config = readConfig({ SHUTDOWN_DELAY, SHUTDOWN_GRACE }, env);
  return config.SHUTDOWN_DELAY + config.SHUTDOWN_GRACE + closingMs;
}
