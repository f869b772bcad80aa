import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FromWorker, Mood, Report, ToWorker, WorkerOptions } from "./worker-talk.ts";

/** An instance in a process of its own, to be treated badly. */
export interface Worker {
  readonly pid: string;
  readonly port: number;
  /** Handlers that began. */
  began(): number;
  set(mood: Mood): void;
  report(): Promise<Report>;
  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void;
  /** Stops it in good order; gives how it ended. */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
}

/** Where they find our sources compiled, and so begin sooner. */
const compiled = fileURLToPath(new URL("../../../.weft/cache/compiled", import.meta.url));
const program = fileURLToPath(new URL("./worker.ts", import.meta.url));

export async function startWorker(
  folder: string,
  options: Omit<WorkerOptions, "tally">,
  env: Record<string, string>,
): Promise<Worker> {
  const tally = join(folder, `${options.service}-${Math.random().toString(36).slice(2)}`);
  const child = fork(program, [JSON.stringify({ ...options, tally })], {
    env: { ...process.env, NODE_COMPILE_CACHE: compiled, ...env },
    stdio: ["ignore", process.env.WEFT_FAULTS_SHOW ? "inherit" : "ignore", "inherit", "ipc"],
  });
  const gone = once(child, "exit");
  const answers = new Map<number, (report: Report) => void>();
  const port = await started(child, answers);
  let asked = 0;
  const send = (message: ToWorker) => void child.send(message);
  const kill = async () => {
    child.kill("SIGKILL");
    await gone;
  };
  return {
    pid: String(child.pid),
    port,
    began: () => statSync(tally).size,
    set: (mood) => send({ mood }),
    report: () =>
      new Promise((resolve, reject) => {
        const question = ++asked;
        answers.set(question, resolve);
        send({ question });
        gone.then(() => reject(new Error("the worker is gone")));
      }),
    signal: (signal) => void child.kill(signal),
    stop: async () => {
      child.kill("SIGTERM");
      await gone;
      return child.exitCode;
    },
    kill,
  };
}

function started(child: ChildProcess, answers: Map<number, (report: Report) => void>): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on("message", (message: FromWorker) => {
      if ("port" in message) {
        resolve(message.port);
        return;
      }
      answers.get(message.answer)?.(message.report);
      answers.delete(message.answer);
    });
    child.once("exit", (code, signal) => reject(new Error(`the worker did not start: ${code ?? signal}`)));
  });
}
