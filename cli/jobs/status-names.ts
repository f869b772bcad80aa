import { JobStatus } from "#gen/queue/v1/queue_pb.js";

/** `waiting` and so on, as people write them. */
export const statusNames: readonly string[] = Object.keys(JobStatus)
  .filter((name) => Number.isNaN(Number(name)) && name !== "UNSPECIFIED")
  .map((name) => name.toLowerCase());

/** A newer queue service may know more of them than we do. */
export const nameOfStatus = (status: JobStatus): string =>
  (JobStatus[status] ?? String(status)).toLowerCase();

/** As people write it, or as JSON has it: `dead`, `JOB_STATUS_DEAD`. */
export function statusNamed(text: string): JobStatus | undefined {
  const name = text.toLowerCase().replace(/^job_status_/, "");
  if (!statusNames.includes(name)) return undefined;
  return JobStatus[name.toUpperCase() as keyof typeof JobStatus];
}
