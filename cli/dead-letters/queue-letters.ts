import { ConnectError } from "@connectrpc/connect";
import { QueueService } from "#gen/queue/v1/queue_pb.js";
import { asOperator } from "../operator.ts";
import type { Workspace } from "../workspace.ts";
import type { Letter } from "./letter.ts";
import { fromQueue } from "./letter.ts";

export interface JobFilter {
  readonly service?: string | undefined;
  /** The queue of the jobs. */
  readonly consumer?: string | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface LetterPage {
  readonly letters: readonly Letter[];
  readonly next: string | undefined;
}

/** A page of jobs that failed for good, last failed first. */
export async function listJobLetters(workspace: Workspace, filter: JobFilter): Promise<LetterPage> {
  const { service = "", consumer = "", after = "", limit } = filter;
  const queue = await asOperator(QueueService, workspace);
  const { deadLetters, nextPageToken } = await queue.listDeadLetters({
    pageSize: limit,
    pageToken: after,
    service,
    consumer,
  });
  const jobs = deadLetters.filter(({ kind }) => kind === "job");
  // Behind the jobs come events, which are read where they are.
  const isEnd = jobs.length < deadLetters.length || nextPageToken === "";
  return { letters: jobs.map(fromQueue), next: isEnd ? undefined : nextPageToken };
}

/** What stands in place of jobs that cannot be listed now. */
export const jobsMissing = (error: unknown): string =>
  `jobs that failed are not among them: ${error instanceof ConnectError ? error.rawMessage : String(error)}`;
