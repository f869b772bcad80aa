import type { PlatformState } from "../state.ts";
import { clearState, writeState } from "../state.ts";
import type { Workspace } from "../workspace.ts";

/** Keeps the state file of a running platform true. */
export interface StateKeeper {
  /** Writes it anew, as the platform is by then. */
  refresh(): Promise<void>;
  /** Takes it away, for good. */
  close(): Promise<void>;
}

/** Writes one after the other: two services may come back at the same moment. */
export function createStateKeeper(workspace: Workspace, stateNow: () => PlatformState): StateKeeper {
  let last: Promise<void> = Promise.resolve();
  let closed = false;
  const then = (work: () => Promise<void>) => {
    last = last.catch(() => {}).then(work);
    return last;
  };
  return {
    refresh: () => then(async () => void (closed || (await writeState(workspace, stateNow())))),
    close: () => {
      closed = true;
      return then(() => clearState(workspace));
    },
  };
}
