import { withBroker } from "../broker.ts";
import { messageOf } from "../message.ts";
import type { PlatformState } from "../state.ts";
import type { Workspace } from "../workspace.ts";
import type { RefusedContract } from "./contracts.ts";
import { refusedContracts } from "./contracts.ts";
import type { Backlog } from "./waiting.ts";
import { mostJobs, waitingEvents, waitingJobs } from "./waiting.ts";

/** What is wrong beside the health of each service. */
export interface Troubles {
  readonly refused: readonly RefusedContract[];
  readonly deadLetters: { readonly events: number; readonly jobs: number };
  readonly backlogs: readonly Backlog[];
  /** What could not be found out. */
  readonly unknown: readonly string[];
}

/** Asks the gateway, the broker and the queue service, those that are there. */
export async function findTroubles(workspace: Workspace, { services }: PlatformState): Promise<Troubles> {
  const unknown: string[] = [];
  const ask = async <T>(what: string, usual: T, question: (() => Promise<T>) | undefined): Promise<T> => {
    if (!question) return usual;
    try {
      return await question();
    } catch (error) {
      unknown.push(`${what}: ${messageOf(error)}`);
      return usual;
    }
  };
  const nothing = { deadLetters: 0, backlogs: [] };
  const [refused, events, jobs] = await Promise.all([
    ask("contracts", [], services.gateway && (() => refusedContracts(workspace))),
    ask("events", nothing, () => withBroker(workspace, waitingEvents)),
    ask("jobs", nothing, services.queue && (() => waitingJobs(workspace))),
  ]);
  return {
    refused,
    deadLetters: { events: events.deadLetters, jobs: jobs.deadLetters },
    backlogs: [...events.backlogs, ...jobs.backlogs],
    unknown,
  };
}

/** A line for each kind of trouble that there is. */
export function describeTroubles({ refused, deadLetters, backlogs, unknown }: Troubles): string[] {
  const lines = refused.map(
    ({ service, problems }) => `the gateway refuses the contract of ${service}: ${problems.join("; ")}`,
  );
  const { events, jobs } = deadLetters;
  if (events + jobs > 0) {
    const jobCount = `${jobs}${jobs >= mostJobs ? " or more" : ""}`;
    lines.push(`dead letters: ${events} of events, ${jobCount} of jobs; see \`weft dlq\``);
  }
  if (backlogs.length > 0) {
    const each = backlogs.map(({ name, waiting }) => `${waiting.toLocaleString("en")} for ${name}`);
    lines.push(`backlog: ${each.join(", ")}; see \`weft queues\` for those of jobs`);
  }
  return [...lines, ...unknown.map((it) => `cannot tell of ${it}`)];
}
