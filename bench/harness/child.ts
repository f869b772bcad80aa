import { fork } from "node:child_process";
import { join } from "node:path";
import { fail } from "../../mesh/errors.ts";
import type { OrderName, Orders, Reply } from "./orders.ts";

/** A worker process, as its parent sees it. */
export interface Child {
  ask<K extends OrderName>(name: K, order: Orders[K]["order"]): Promise<Orders[K]["answer"]>;
  /** Ends it, however busy it is; resolves when it is gone. */
  stop(): Promise<void>;
}

/** How long a worker has to end by itself. */
const patienceMs = 2000;

const worker = join(import.meta.dirname, "worker.ts");

/** `who` names it in errors. Aborting the signal ends it. */
export function startChild(who: string, signal: AbortSignal): Child {
  signal.throwIfAborted();
  // What frameworks print must not mix with what the benchmark prints.
  const child = fork(worker, [], {
    stdio: ["ignore", 2, 2, "ipc"],
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const gone = Promise.withResolvers<void>();
  let lastId = 0;
  let why: unknown;

  const kill = () => void child.kill("SIGKILL");
  const onAbort = () => {
    why = signal.reason;
    kill();
  };
  signal.addEventListener("abort", onAbort, { once: true });

  const ended = (error: unknown) => {
    why ??= error;
    signal.removeEventListener("abort", onAbort);
    for (const { reject } of waiting.values()) reject(why);
    waiting.clear();
    gone.resolve();
  };
  child.on("error", (cause) => ended(fail.internal("worker_failed", `cannot run the ${who}`, { cause })));
  child.once("exit", (code, killedBy) =>
    ended(fail.internal("worker_ended", `the ${who} ended by itself (${killedBy ?? `code ${code}`})`)),
  );
  child.on("message", (reply: Reply) => {
    const asked = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ("failure" in reply) asked?.reject(fail.internal("worker_failed", `the ${who}: ${reply.failure}`));
    else asked?.resolve(reply.answer);
  });

  return {
    ask<K extends OrderName>(name: K, order: Orders[K]["order"]) {
      if (why !== undefined) return Promise.reject(why);
      const id = ++lastId;
      const asked = Promise.withResolvers<unknown>();
      waiting.set(id, asked);
      child.send({ id, name, order });
      return asked.promise as Promise<Orders[K]["answer"]>;
    },
    async stop() {
      const forced = setTimeout(kill, patienceMs);
      // It exits by itself then, and a profiler that was asked for can write what it has.
      if (child.connected) child.disconnect();
      await gone.promise;
      clearTimeout(forced);
    },
  };
}
