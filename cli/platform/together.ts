import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { keepLogSmall } from "#embedded";
import type { ServiceDefinition } from "#mesh";
import { hostService } from "#mesh";
import type { RunningServices } from "./running.ts";
import { stopInOrder } from "./stop-order.ts";

/** Runs all services in this process: fast to start, small in memory; each still on its own port. */
export async function startTogether(
  services: readonly ServiceDefinition[],
  env: Record<string, string>,
  logDir: string,
): Promise<RunningServices> {
  mkdirSync(logDir, { recursive: true });
  const starts = await Promise.allSettled(
    services.map(async (definition) => {
      const file = join(logDir, `${definition.name}.log`);
      // Written at once: the line that tells of a crash is the one that counts. Never
      // closed, since a connection may still log its end after the service has stopped.
      const logs = pino.destination({ dest: file, append: true, sync: true, mode: 0o600 });
      const stopRotation = keepLogSmall(file);
      try {
        const hosted = await hostService(definition, { env, logs });
        const stop = () => hosted.stop().finally(stopRotation);
        return { definition, service: { name: hosted.name, port: hosted.port, pid: process.pid, stop } };
      } catch (error) {
        stopRotation();
        throw error;
      }
    }),
  );
  const running = starts.flatMap((it) => (it.status === "fulfilled" ? [it.value] : []));
  const stop = () => stopInOrder(running);
  const failed = starts.find((it) => it.status === "rejected");
  if (failed) {
    await stop();
    throw failed.reason;
  }
  return { services: running.map(({ service }) => service), stop };
}
