import { readFile, rm } from "node:fs/promises";
import type { ProcessMark } from "#embedded";
import { isAlive } from "#embedded";
import { fail } from "#mesh/errors.ts";
import { writePrivate } from "./keys.ts";
import type { Workspace } from "./workspace.ts";

/** What a running platform tells other commands of the same checkout. */
export interface PlatformState {
  /** With the time that it began, for pids are used again. */
  readonly process: ProcessMark;
  readonly startedAt: string;
  /** How long it may take to stop, when it waits for all that it may wait for. */
  readonly stopWithinMs: number;
  /** The servers that it runs itself, and where. */
  readonly own: Readonly<Record<string, number>>;
  readonly services: Readonly<Record<string, { url: string; pid: number }>>;
  /** With a password in it; nobody else can read this file. */
  readonly broker: { readonly url: string; readonly namespace: string };
}

export async function writeState({ stateFile }: Workspace, state: PlatformState): Promise<void> {
  await writePrivate(stateFile, JSON.stringify(state));
}

export async function clearState({ stateFile }: Workspace): Promise<void> {
  await rm(stateFile, { force: true });
}

/** The platform of this checkout, if one runs. What a killed one left behind counts as none. */
export async function readState({ stateFile }: Workspace): Promise<PlatformState | undefined> {
  try {
    const state = JSON.parse(await readFile(stateFile, "utf8")) as PlatformState;
    return isAlive(state.process) ? state : undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || error instanceof SyntaxError) return undefined;
    if (code === "EACCES") {
      throw fail.denied("not_yours", "the platform of this checkout was started by another user", {
        remedy: "use that user, or sudo",
      });
    }
    throw error;
  }
}

export async function requireState(workspace: Workspace): Promise<PlatformState> {
  const state = await readState(workspace);
  if (!state)
    throw fail.unavailable("not_running", "nothing runs in this checkout", {
      remedy: "start it with `npm start`",
    });
  return state;
}
