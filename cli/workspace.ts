import { join, resolve } from "node:path";

/** Where things are in a checkout. */
export interface Workspace {
  readonly root: string;
  readonly services: string;
  /** All that is made at run time and is never committed. */
  readonly weft: string;
  readonly data: string;
  readonly logs: string;
  readonly keys: string;
  /** What `weft up` tells other commands about itself. */
  readonly stateFile: string;
}

/** WEFT_DIR names another folder than `.weft`: a second platform from one checkout, or one of a test. */
export function openWorkspace(env: NodeJS.ProcessEnv = process.env): Workspace {
  const root = resolve(import.meta.dirname, "..");
  const weft = env.WEFT_DIR ? resolve(env.WEFT_DIR) : join(root, ".weft");
  return {
    root,
    services: join(root, "services"),
    weft,
    data: join(weft, "data"),
    logs: join(weft, "logs"),
    keys: join(weft, "keys"),
    stateFile: join(weft, "up.json"),
  };
}
