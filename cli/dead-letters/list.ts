import type { DeadLetters } from "#mesh/dead-letters/dead-letters.ts";
import { usageError } from "../command.ts";
import type { Workspace } from "../workspace.ts";
import type { Letter } from "./letter.ts";
import { fromEvent } from "./letter.ts";
import type { LetterPage } from "./queue-letters.ts";
import { jobsMissing, listJobLetters } from "./queue-letters.ts";

export interface ListOptions {
  readonly workspace: Workspace;
  readonly events: DeadLetters;
  readonly service: string | undefined;
  readonly consumer: string | undefined;
  readonly page: string | undefined;
  readonly limit: number;
}

export interface Listed extends LetterPage {
  /** What a person should know of what is not in it. */
  readonly note: string | undefined;
}

/** A page of what failed for good: events, oldest first, and behind them jobs, last failed first. */
export async function listLetters(options: ListOptions): Promise<Listed> {
  const { workspace, events, service, consumer, limit } = options;
  const place = placeOf(options.page);
  const letters: Letter[] = [];
  if (place.kind === "event") {
    const found = await events.list({
      limit,
      ...(service && { service }),
      ...(consumer && { consumer }),
      ...(place.after && { after: place.after }),
    });
    letters.push(...found.letters.map(fromEvent));
    if (found.next !== undefined) return { letters, next: `event:${found.next}`, note: undefined };
  }
  const room = limit - letters.length;
  // Whether there are jobs is for the next page to tell.
  if (room === 0) return { letters, next: "job:", note: undefined };
  try {
    const after = place.kind === "job" ? place.after : "";
    const jobs = await listJobLetters(workspace, { service, consumer, limit: room, after });
    const next = jobs.next === undefined ? undefined : `job:${jobs.next}`;
    return { letters: [...letters, ...jobs.letters], next, note: undefined };
  } catch (error) {
    if (place.kind === "job" && place.after !== "") throw error;
    return { letters, next: undefined, note: jobsMissing(error) };
  }
}

/** The ids of all, as they were when the listing came by. */
export async function listAll(
  options: Omit<ListOptions, "page" | "limit">,
): Promise<{ ids: readonly string[]; note: string | undefined }> {
  // One that failed anew meanwhile stands at the end again.
  const ids = new Set<string>();
  let page: string | undefined;
  for (;;) {
    const { letters, next, note } = await listLetters({ ...options, page, limit: 500 });
    for (const { id } of letters) ids.add(id);
    if (next === undefined) return { ids: [...ids], note };
    page = next;
  }
}

interface Place {
  readonly kind: "event" | "job";
  readonly after: string;
}

function placeOf(page: string | undefined): Place {
  if (page === undefined) return { kind: "event", after: "" };
  const [, kind, after = ""] = /^(event|job):(.*)$/s.exec(page) ?? [];
  if (kind === "job") return { kind, after };
  if (kind === "event" && /^\d{1,15}$/.test(after)) return { kind, after };
  throw usageError(`--page "${page}" is none that a list gave`, { name: "dlq" });
}
