/** pg-boss in one process: asks for jobs, and does them with as many at once as Weft's worker. */
import { PgBoss } from "pg-boss";
import { newId } from "../../mesh/id.ts";
import { inLanes } from "../harness/lanes.ts";
import type { Amount } from "./jobs.ts";

const queue = "notification_delivery";
let boss: PgBoss | undefined;

export async function open({ url, concurrency }: { url: string; concurrency: number }): Promise<void> {
  boss = new PgBoss({ connectionString: url, max: 10 });
  boss.on("error", (error) => process.stderr.write(`${error.message}\n`));
  await boss.start();
  await boss.createQueue(queue);
  void work(boss, concurrency);
}

/** Its own `work` waits between two batches; asking again at once is the fastest that it can do. */
async function work(from: PgBoss, batchSize: number): Promise<void> {
  for (;;) {
    const jobs = await from.fetch<{ notificationId: string }>(queue, { batchSize });
    if (jobs.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    else
      await from.complete(
        queue,
        jobs.map(({ id }) => id),
      );
  }
}

export const enqueue = ({ count, lanes }: Amount): Promise<void> =>
  inLanes(count, lanes, async () => {
    await boss?.send(queue, { notificationId: newId() }, { retryLimit: 8, expireInSeconds: 60 });
  });
