/** A service that has jobs done, and does them. */
import { DeliverEmailSchema } from "../../gen/notification/v1/jobs_pb.js";
import { hostService } from "../../mesh/host/host.ts";
import { newId } from "../../mesh/id.ts";
import { handlers } from "../../mesh/implementation.ts";
import type { Jobs } from "../../mesh/jobs/enqueue.ts";
import { job } from "../../mesh/jobs/job.ts";
import { defineService } from "../../mesh/service.ts";
import { ProbeService, usualHandlers } from "../../mesh/testing/probe.ts";
import { inLanes } from "../harness/lanes.ts";
import type { Amount, WorkerOptions } from "./jobs.ts";

let jobs: Jobs | undefined;

export async function open({ env, concurrency }: WorkerOptions): Promise<void> {
  const definition = defineService({
    name: "probe",
    contracts: [ProbeService],
    database: { migrations: new URL("../../mesh/testing/no-migrations/", import.meta.url) },
    setup: (given) => {
      jobs = given.jobs;
      return {
        rpc: [handlers(ProbeService, usualHandlers)],
        jobs: [job(DeliverEmailSchema, () => {}, { concurrency })],
      };
    },
  });
  await hostService(definition, { env });
}

export const enqueue = ({ count, lanes }: Amount): Promise<void> =>
  inLanes(count, lanes, async () => {
    await jobs?.enqueue(DeliverEmailSchema, { notificationId: newId() });
  });
