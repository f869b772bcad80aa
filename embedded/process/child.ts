import { spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { EmbeddedError } from "../errors.ts";
import { openLog } from "../log-file.ts";
import type { Launch } from "./run-as.ts";

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Child {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  kill(signal: NodeJS.Signals): void;
}

export interface ChildOptions {
  launch: Launch;
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** Both outputs go here, straight from the child: a pipe would break when we are killed. */
  logFile: string;
  /** Sent when this process leaves without having stopped the child. */
  partingSignal: NodeJS.Signals;
}

export async function spawnChild(options: ChildOptions): Promise<Child> {
  const { launch, cwd, env, logFile, partingSignal } = options;
  const { command, args, ...credentials } = launch;
  const log = openLog(logFile);
  // `detached` gives it its own session: Ctrl-C in the terminal is for us to handle, in order.
  const child = spawn(command, args, {
    ...credentials,
    cwd,
    env,
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  const spawned = new Promise<void>((resolve, reject) => child.once("spawn", resolve).on("error", reject));
  const exited = new Promise<Exit>((resolve) =>
    child.once("exit", (code, signal) => resolve({ code, signal })),
  );
  await spawned.catch((cause: unknown) => {
    throw new EmbeddedError("binary_missing", `cannot run ${command}: ${String(cause)}`, {
      remedy: "install the dependencies again with `npm ci`",
      cause,
    });
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} has no pid`);

  const kill = (signal: NodeJS.Signals) => void child.kill(signal);
  const part = () => kill(partingSignal);
  process.once("exit", part);
  void exited.then(() => process.removeListener("exit", part));
  return { pid, exited, kill };
}
