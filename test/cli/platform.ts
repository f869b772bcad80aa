import type { ChildProcess } from "node:child_process";
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { prepareData } from "../embedded/prepared-data.ts";

const root = join(import.meta.dirname, "..", "..");
const main = join(root, "cli", "main.ts");

export interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

/** A folder in place of `.weft`, and the `weft` command on it. */
export class Checkout implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), "weft-cli-"));
  readonly #children: ChildProcess[] = [];

  /** One whose first start finds PostgreSQL's data made, for tests of what comes after that. */
  static async prepared(): Promise<Checkout> {
    const checkout = new Checkout();
    await prepareData(join(checkout.dir, "data"));
    return checkout;
  }

  env(more: Record<string, string> = {}): NodeJS.ProcessEnv {
    const { DATABASE_URL: _d, NATS_URL: _n, ...rest } = process.env;
    return { ...rest, NO_COLOR: "1", WEFT_DIR: this.dir, ...more };
  }

  /** Runs a command to its end. */
  run(args: readonly string[], more: Record<string, string> = {}): Promise<Result> {
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [main, ...args],
        { cwd: tmpdir(), env: this.env(more) },
        (error, stdout, stderr) =>
          resolve({ code: typeof error?.code === "number" ? error.code : error ? 1 : 0, stdout, stderr }),
      );
    });
  }

  /** Starts `weft up` and waits until it says so. */
  async up(args: readonly string[] = [], more: Record<string, string> = {}): Promise<Up> {
    const up = this.starting(args, more);
    await up.ready();
    return up;
  }

  /** Starts `weft up` and does not wait. */
  starting(args: readonly string[] = [], more: Record<string, string> = {}): Up {
    const child = spawn(process.execPath, [main, "up", ...args], { cwd: tmpdir(), env: this.env(more) });
    this.#children.push(child);
    return new Up(child, this.dir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGTERM");
        await new Promise((resolve) => child.once("exit", resolve));
      }
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** A running platform. */
export class Up {
  output = "";
  readonly #child: ChildProcess;
  readonly #dir: string;

  constructor(child: ChildProcess, dir: string) {
    this.#child = child;
    this.#dir = dir;
    child.stdout?.on("data", (chunk: Buffer) => {
      this.output += chunk.toString();
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      this.output += chunk.toString();
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async ready(): Promise<void> {
    await until(() => {
      if (this.#child.exitCode !== null) throw new Error(`weft up ended: ${this.output}`);
      return this.output.includes("Weft is up") && this.output.includes("Ctrl-C stops it");
    }, 60_000);
  }

  /** Ends it and waits; answers with its exit code, or the signal. */
  async end(signal: NodeJS.Signals): Promise<number | string> {
    const exited = new Promise<number | string>((resolve) =>
      this.#child.once("exit", (code, by) => resolve(code ?? by ?? "")),
    );
    this.#child.kill(signal);
    return exited;
  }

  url(service: string): string {
    const { services } = JSON.parse(readFileSync(join(this.#dir, "up.json"), "utf8")) as {
      services: Record<string, { url: string }>;
    };
    return services[service]!.url;
  }

  servicePid(service: string): number {
    const { services } = JSON.parse(readFileSync(join(this.#dir, "up.json"), "utf8")) as {
      services: Record<string, { pid: number }>;
    };
    return services[service]!.pid;
  }

  /** The process of an embedded server, as it is now. */
  serverPid(name: "postgres" | "nats"): number {
    const file = join(this.#dir, "data", `${name}.run`);
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { pid: number }).pid : 0;
  }

  /** Calls a method with plain JSON over HTTP/1.1, as any client would. */
  async post(
    service: string,
    method: string,
    body: object,
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const answer = await fetch(`${this.url(service)}/${method}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(15_000),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  }
}

export async function until(holds: () => boolean | Promise<boolean>, withinMs: number): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`did not come true within ${withinMs} ms: ${holds}`);
    await sleep(50);
  }
}

/** Is there such a process, other than as a zombie that nobody has asked after? */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch (error) {
    // Without /proc the signal alone must do.
    return (error as NodeJS.ErrnoException).code === "ENOENT" && !existsSync("/proc");
  }
}
