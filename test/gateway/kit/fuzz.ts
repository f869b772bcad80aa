import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { wrongWith } from "./fuzz-answers.ts";
import { callFunction } from "./fuzz-functions.ts";
import { pipe } from "./fuzz-pipe.ts";
import type { Random } from "./fuzz-random.ts";
import { randomFor } from "./fuzz-random.ts";
import type { HttpRequest } from "./fuzz-requests.ts";
import { restRequest, rpcRequest } from "./fuzz-requests.ts";
import type { VictimState } from "./fuzz-victim.ts";
import { brokenBytes, brokenExpress, brokenFrames, openGrpc, sendBytes } from "./fuzz-wire.ts";

export interface FuzzOptions {
  readonly seed: number;
  readonly inputs: number;
  /** Stops early, whatever is left. Default: when all inputs are done. */
  readonly seconds?: number;
  /** One kind alone, from this index on: how a failing input is made again. */
  readonly kind?: string;
  readonly from?: number;
  readonly progress?: (done: number) => void;
}

export interface FuzzReport {
  readonly inputs: number;
  readonly perSecond: number;
  /** Inputs by kind and HTTP status, or `taken` and `refused`. */
  readonly counts: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** What went wrong, each with how to bring it about again. */
  readonly failures: readonly string[];
  readonly before: VictimState;
  readonly after: VictimState;
}

/** How many of a hundred inputs are of each kind: the cheap ones most, the dear ones enough. */
const shares = { functions: 50, rest: 28, rpc: 13, grpc: 4, bytes: 3, frames: 1, express: 1 } as const;
type Kind = keyof typeof shares;

/** More tell nothing new. */
const mostFailures = 20;

/** Fuzzes a gateway in a process of its own, and its functions in this one. */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { seed, inputs, seconds, kind: only, from = 0, progress = () => {} } = options;
  const victim = await startVictim();
  const startedMs = performance.now();
  const isLate = () => seconds !== undefined && performance.now() - startedMs > seconds * 1000;
  const counts: Record<string, Record<string, number>> = {};
  const failures: string[] = [];
  let done = 0;

  const count = (kind: Kind, what: string | number) => {
    counts[kind] ??= {};
    const of = counts[kind];
    of[what] = (of[what] ?? 0) + 1;
    done++;
    if (done % 1000 === 0) progress(done);
  };
  const failed = (kind: Kind, index: number, why: string, bytes?: Buffer) => {
    const shown = bytes ? ` ${JSON.stringify(bytes.toString("latin1").slice(0, 2000))}` : "";
    failures.push(`--seed ${seed} --kind ${kind} --from ${index} --inputs 1: ${why}${shown}`);
  };
  const isOver = () => isLate() || failures.length >= mostFailures || !victim.isAlive();

  /** Each index once, by as many workers as are to be busy at once. */
  const work = async (
    kind: Kind,
    total: number,
    together: number,
    one: (index: number, random: Random) => Promise<void>,
  ) => {
    let next = 0;
    const worker = async () => {
      while (next < total && !isOver()) {
        const index = from + next++;
        await one(index, randomFor(seed, kind, index));
      }
    };
    await Promise.all(Array.from({ length: together }, worker));
  };

  const kinds: Record<Kind, (total: number) => Promise<void>> = {
    functions: (total) =>
      work("functions", total, 1, async (index, random) => {
        try {
          const taken = callFunction(random);
          count("functions", (taken instanceof Promise ? await taken : taken) ? "taken" : "refused");
          // The watch of time is kept by a loop that turns.
          if (index % 500 === 0) await new Promise(setImmediate);
        } catch (error) {
          failed("functions", index, String(error instanceof Error ? error.stack : error));
        }
      }),
    rest: (total) => requests("rest", total, restRequest),
    rpc: (total) => requests("rpc", total, rpcRequest),
    grpc: async (total) => {
      const sessions = Array.from({ length: 2 }, () => openGrpc(victim.port));
      await work("grpc", total, 32, async (index, random) => {
        const why = await sessions[index % sessions.length]?.call(random, (status) => count("grpc", status));
        if (why) failed("grpc", index, why);
      });
      for (const it of sessions) it.close();
    },
    bytes: (total) => raw("bytes", total, brokenBytes),
    frames: (total) => raw("frames", total, brokenFrames),
    express: (total) => raw("express", total, brokenExpress),
  };

  const requests = (kind: Kind, total: number, make: (random: Random) => HttpRequest) => {
    let next = 0;
    return pipe({
      port: victim.port,
      connections: 4,
      depth: 8,
      next: () => {
        if (next >= total || isOver()) return undefined;
        const index = from + next++;
        return { index, ...make(randomFor(seed, kind, index)) };
      },
      told: ({ index, bytes }, answer) => {
        const why = typeof answer === "string" ? answer : wrongWith(answer);
        count(kind, typeof answer === "string" ? "none" : answer.status);
        if (why) failed(kind, index, why, bytes);
      },
    });
  };
  const raw = (kind: Kind, total: number, make: (random: Random) => Buffer) =>
    work(kind, total, 48, async (index, random) => {
      const bytes = make(random);
      const why = await sendBytes(victim.port, bytes, (status) => count(kind, status));
      if (why) failed(kind, index, why, bytes);
    });

  try {
    const before = await victim.state();
    for (const kind of Object.keys(shares) as Kind[]) {
      if (only === undefined) await kinds[kind](Math.ceil((inputs * shares[kind]) / 100));
      else if (only === kind) await kinds[kind](inputs);
    }
    const perSecond = done / ((performance.now() - startedMs) / 1000);
    if (!victim.isAlive()) failures.push(`the gateway is gone: ${victim.lastWords()}`);
    else
      await mustAnswer(victim.port).catch((error: unknown) =>
        failures.push(`no good answer at the end: ${error}`),
      );
    const after = victim.isAlive() ? await victim.state() : before;
    return { inputs: done, perSecond, counts, failures: [...failures, ...after.errors], before, after };
  } finally {
    await victim.stop();
  }
}

/** A good request is answered well, in each protocol. */
async function mustAnswer(port: number): Promise<void> {
  const url = `http://127.0.0.1:${port}`;
  const signal = AbortSignal.timeout(20_000);
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ title: "still here" });
  for (const path of ["/api/v1/echo/Book", "/fuzz.v1.FuzzService/EchoBook"]) {
    const answer = await fetch(`${url}${path}`, { method: "POST", headers, body, signal });
    const text = await answer.text();
    if (answer.status !== 200 || !text.includes("still here"))
      throw new Error(`${path}: ${answer.status} ${text}`);
  }
}

interface Victim {
  readonly port: number;
  isAlive(): boolean;
  lastWords(): string;
  state(): Promise<VictimState>;
  stop(): Promise<void>;
}

async function startVictim(): Promise<Victim> {
  const child = fork(join(import.meta.dirname, "fuzz-victim.ts"), {
    execArgv: ["--expose-gc"],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let words = "";
  const hear = (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-4000);
  };
  child.stdout?.on("data", hear);
  child.stderr?.on("data", hear);
  const ended = once(child, "exit");
  const heard = async () => {
    const [message] = await Promise.race([
      once(child, "message"),
      ended.then(() => {
        throw new Error(`the gateway's process ended: ${words}`);
      }),
    ]);
    return message;
  };
  const { port } = (await heard()) as { port: number };
  await untilServed(port);
  return {
    port,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    lastWords: () => words,
    state: async () => {
      const said = heard();
      child.send("state");
      return (await said) as VictimState;
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.send("stop");
      const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(timer);
    },
  };
}

async function untilServed(port: number): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/get/Scalars`);
    await answer.arrayBuffer();
    if (answer.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("the gateway does not serve what is behind it");
}
