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
  /** How many; null where that could not be found out. */
  readonly deadLetters: { readonly events: number | null; readonly jobs: number | null };
  readonly backlogs: readonly Backlog[];
  /** What could not be found out. */
  readonly unknown: readonly string[];
}

/** Asks the gateway, the broker and the queue service, those that are there. */
export async function findTroubles(workspace: Workspace, { services }: PlatformState): Promise<Troubles> {
  const unknown: string[] = [];
  const ask = async <T>(what: string, question: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await question();
    } catch (error) {
      unknown.push(`${what}: ${messageOf(error)}`);
      return undefined;
    }
  };
  // Where a service is no part of the platform, there is nothing of it either.
  const [refused, events, jobs] = await Promise.all([
    services.gateway ? ask("contracts", () => refusedContracts(workspace)) : [],
    ask("events", () => withBroker(workspace, waitingEvents)),
    services.queue ? ask("jobs", () => waitingJobs(workspace)) : { deadLetters: 0, backlogs: [] },
  ]);
  return {
    refused: refused ?? [],
    deadLetters: { events: events?.deadLetters ?? null, jobs: jobs?.deadLetters ?? null },
    backlogs: [...(events?.backlogs ?? []), ...(jobs?.backlogs ?? [])],
    unknown,
  };
}

/** A line for each kind of trouble that there is. */
export function describeTroubles({ refused, deadLetters, backlogs, unknown }: Troubles): string[] {
  const lines = refused.map(
    ({ service, problems }) => `the gateway refuses the contract of ${service}: ${problems.join("; ")}`,
  );
  const { events, jobs } = deadLetters;
  if ((events ?? 0) + (jobs ?? 0) > 0) {
    const more = jobs !== null && jobs >= mostJobs ? " or more" : "";
    const counts = `${events ?? "nobody knows how many"} of events, ${jobs ?? "nobody knows how many"}${more} of jobs`;
    lines.push(`dead letters: ${counts}; see \`weft dlq\``);
  }
  if (backlogs.length > 0) {
    const each = backlogs.map(({ name, waiting }) => `${waiting.toLocaleString("en")} for ${name}`);
    lines.push(`backlog: ${each.join(", ")}; see \`weft queues\` for those of jobs`);
  }
  return [...lines, ...unknown.map((it) => `cannot tell of ${it}`)];
}
