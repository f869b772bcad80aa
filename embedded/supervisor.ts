import type { BackoffPolicy } from "./backoff.ts";
import { restartBackoff, restartDelay } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import { EmbeddedError } from "./errors.ts";
import type { Child, Exit } from "./process/child.ts";

export type State = "starting" | "ready" | "restarting" | "stopping" | "stopped" | "failed";

/** What the supervisor must know of a server: how to launch it, see it ready, and stop it. */
export interface Program {
  /** Clears what an earlier life left behind, then spawns. */
  launch(): Promise<Child>;
  /** Resolves with the server's version once it serves; gives up only when aborted. */
  probe(child: Child, signal: AbortSignal): Promise<string>;
  /** Puts an exit before readiness into words, from the log for instance. */
  explain(exit: Exit): EmbeddedError;
  /** Gentle first; each next one is sent when the wait before it was in vain. */
  stopSteps: readonly StopStep[];
}

export interface StopStep {
  signal: NodeJS.Signals;
  waitMs: number;
}

export type Change =
  | { type: "starting" }
  | { type: "ready"; pid: number; version: string; tookMs: number }
  | { type: "exited"; why: string; restartInMs: number }
  | { type: "stopping" }
  | { type: "stopped" };

export interface SupervisorOptions {
  name: string;
  clock: Clock;
  onChange?: (change: Change) => void;
  /** Takes the server's place while it is down, until released, so that it finds it free again. */
  standIn?: () => Promise<() => Promise<void>>;
  backoff?: BackoffPolicy;
  /** Default 2 minutes: PostgreSQL may have to replay its log after a crash. */
  readyWithinMs?: number;
}

/**
 * Keeps one child alive. The first start may fail, and then says why; after it
 * a crash is always followed by a restart, ever slower but without giving up.
 */
export class Supervisor {
  state: State = "starting";
  pid: number | undefined;
  version: string | undefined;
  restarts = 0;
  since = new Date();
  readonly #program: Program;
  readonly #options: SupervisorOptions;
  readonly #stopAsked = Promise.withResolvers<void>();
  #stopping = false;
  #running: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(program: Program, options: SupervisorOptions) {
    this.#program = program;
    this.#options = options;
  }

  async start(): Promise<void> {
    const first = this.#begin();
    this.#running = first.then(
      (child) => this.#keepAlive(child),
      () => this.#enter("failed"),
    );
    await first;
  }

  /** Resolves when the child is gone. May be called at any time, and again. */
  stop(): Promise<void> {
    this.#stopped ??= this.#halt();
    return this.#stopped;
  }

  async #halt(): Promise<void> {
    this.#enter("stopping");
    this.#report({ type: "stopping" });
    this.#stopping = true;
    this.#stopAsked.resolve();
    await this.#running;
    this.#enter("stopped");
    this.#report({ type: "stopped" });
  }

  /** One life up to readiness. Whatever goes wrong, no child is left when it throws. */
  async #begin(): Promise<Child> {
    const { clock, name, readyWithinMs = 120_000 } = this.#options;
    const started = clock.now();
    this.#report({ type: "starting" });
    const child = await this.#program.launch();
    this.pid = child.pid;
    const over = new AbortController();
    const cancelTimer = clock.after(readyWithinMs, () => over.abort());
    const outcome = await Promise.race([
      this.#program.probe(child, over.signal).then((version) => ({ version })),
      child.exited.then((exit) => ({ exit })),
      aborted(over.signal).then(() => ({ late: true })),
      this.#stopAsked.promise.then(() => ({ stopped: true })),
    ]).catch((cause: unknown) => ({ cause }));
    cancelTimer();
    over.abort();
    if ("version" in outcome) {
      this.version = outcome.version;
      this.#enter("ready");
      this.#report({
        type: "ready",
        pid: child.pid,
        version: outcome.version,
        tookMs: clock.now() - started,
      });
      return child;
    }
    await this.#end(child);
    if ("exit" in outcome) throw this.#program.explain(outcome.exit);
    if ("cause" in outcome) throw outcome.cause;
    if ("stopped" in outcome)
      throw new EmbeddedError("stopped", `${name} was stopped`, { remedy: "start again" });
    throw new EmbeddedError("start_timeout", `${name} was not ready within ${readyWithinMs / 1000} s`, {
      remedy: "read its log",
    });
  }

  async #keepAlive(first: Child): Promise<void> {
    const { clock, backoff = restartBackoff, standIn = async () => async () => {} } = this.#options;
    let child: Child | undefined = first;
    let readyAt = clock.now();
    let failures = 0;
    let why = "";
    for (;;) {
      if (child) {
        const exit = await Promise.race([child.exited, this.#stopAsked.promise]);
        if (!exit) return this.#end(child);
        this.pid = undefined;
        why = describeExit(exit);
        if (clock.now() - readyAt >= backoff.forgivenAfterMs) failures = 0;
      }
      const restartInMs = restartDelay(backoff, failures++);
      this.#enter("restarting");
      this.#report({ type: "exited", why, restartInMs });
      const release = await standIn();
      await this.#pause(restartInMs);
      await release();
      if (this.#stopping) return;
      this.restarts++;
      child = await this.#begin().catch((error: unknown) => {
        why = error instanceof Error ? error.message : String(error);
        return undefined;
      });
      readyAt = clock.now();
      if (this.#stopping && !child) return;
    }
  }

  async #end(child: Child): Promise<void> {
    for (const { signal, waitMs } of this.#program.stopSteps) {
      child.kill(signal);
      if (await this.#goneWithin(child, waitMs)) break;
    }
    await child.exited;
    this.pid = undefined;
  }

  #goneWithin(child: Child, ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(ms, () => resolve(false));
      void child.exited.then(() => {
        cancel();
        resolve(true);
      });
    });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(ms, resolve);
      void this.#stopAsked.promise.then(() => {
        cancel();
        resolve();
      });
    });
  }

  #enter(state: State): void {
    // Once asked to stop, nothing but the end of it may be told.
    if (this.#stopping && state !== "stopped") return;
    this.state = state;
    this.since = new Date();
  }

  #report(change: Change): void {
    if (this.#stopping && change.type !== "stopped") return;
    this.#options.onChange?.(change);
  }
}

export function describeExit({ code, signal }: Exit): string {
  return signal ? `was killed by ${signal}` : `exited with code ${code}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
