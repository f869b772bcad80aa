import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, vi } from "vitest";
import type { ServerLimits } from "#mesh/bounds/limits.ts";
import type { Canary } from "./canary.ts";
import { startCanary } from "./canary.ts";
import { until } from "./until.ts";
import type { Answers, Question, Report } from "./victim-talk.ts";

export interface Victim extends AsyncDisposable {
  readonly port: number;
  ask<Q extends Question>(question: Q): Promise<Answers[Q]>;
  /**
   * Runs an attack while somebody else calls all the time, and expects what holds
   * for each attack: the others are answered throughout, the attacker's
   * connections and handlers end, the memory is given back, the process lives.
   */
  under(attack: (before: Report) => Promise<void>, bounds?: Bounds): Promise<Report>;
}

export interface Bounds {
  /** How much the process may grow meanwhile. */
  readonly growthMb?: number;
  /** How much it may keep. */
  readonly keptMb?: number;
}

// Others may have the machine at the same time.
vi.setConfig({ testTimeout: 120_000 });

/** Where it finds our sources compiled, and so begins sooner. */
const compiled = fileURLToPath(new URL("../../../.weft/cache/compiled", import.meta.url));
const program = fileURLToPath(new URL("./victim.ts", import.meta.url));

export async function openVictim(limits: Partial<ServerLimits> = {}): Promise<Victim> {
  const child = fork(program, [JSON.stringify(limits)], {
    execArgv: ["--expose-gc"],
    env: { ...process.env, NODE_COMPILE_CACHE: compiled },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const gone = once(child, "exit");
  const waiting = new Map<number, (answer: never) => void>();
  const port = await new Promise<number>((resolve, reject) => {
    child.on("message", (message: { port: number } & { id: number; answer: never }) => {
      if (message.port) resolve(message.port);
      else waiting.get(message.id)?.(message.answer);
    });
    child.once("exit", (code, signal) => reject(new Error(`the victim died: ${code ?? signal}`)));
  });

  let asked = 0;
  const ask = <Q extends Question>(question: Q): Promise<Answers[Q]> => {
    if (child.exitCode !== null) throw new Error(`the victim is dead: ${child.exitCode}`);
    const id = ++asked;
    return new Promise((resolve, reject) => {
      waiting.set(id, resolve);
      child.send({ id, question });
      gone.then(([code, signal]) => reject(new Error(`the victim died: ${code ?? signal}`)));
    });
  };

  const calm = async (before: Report, canary: Canary, { keptMb = 40 }: Bounds): Promise<Report> => {
    const isOver = async () => {
      const { connections, running } = await ask("status");
      return connections <= before.connections && running <= before.running;
    };
    await until(isOver).catch(() => {});
    let report = await ask("report");
    const { peakRss } = report;
    // Some of it is only given back after a while, such as the buffers of closed sockets.
    for (let i = 0; i < 10 && report.memory - before.memory > keptMb * mb; i++) {
      await sleep(200);
      report = await ask("report");
    }
    expect(canary.failures).toEqual([]);
    expect(report.connections, "connections left").toBeLessThanOrEqual(before.connections);
    expect(report.running, "handlers still at work").toBeLessThanOrEqual(before.running);
    expect((report.memory - before.memory) / mb, "MB kept").toBeLessThan(keptMb);
    return { ...report, peakRss };
  };

  const victim: Victim = {
    port,
    ask,
    async under(attack, bounds = {}) {
      const canary = await startCanary(port);
      try {
        const before = await ask("report");
        const servedBefore = canary.answered();
        await attack(before);
        await canary.answers(4);
        const served = canary.answered() - servedBefore;
        await canary.stop();
        const after = await calm(before, canary, bounds);
        const growth = (after.peakRss - before.rss) / mb;
        expect(growth, "MB grown").toBeLessThan(bounds.growthMb ?? 150);
        if (process.env.WEFT_ATTACK_REPORT) print(before, after, served);
        return { ...after, started: after.started - before.started };
      } finally {
        await canary.stop();
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await gone;
    },
  };
  await warmUp(victim);
  return victim;
}

const mb = 1024 * 1024;

/** The first calls compile code; what that costs is not the attack's. */
async function warmUp({ port }: Victim): Promise<void> {
  const canary = await startCanary(port);
  await canary.answers(20);
  await canary.stop();
}

function print(before: Report, after: Report, served: number): void {
  const inMb = (bytes: number) => Math.round(bytes / mb);
  const { currentTestName } = expect.getState();
  process.stderr.write(
    `${currentTestName}: rss ${inMb(before.rss)} → peak ${inMb(after.peakRss)} → ${inMb(after.rss)} MB, ` +
      `heap and buffers ${inMb(before.memory)} → ${inMb(after.memory)} MB, cpu ${Math.round(after.cpuMs - before.cpuMs)} ms, ` +
      `longest block ${Math.round(after.longestBlockMs)} ms, handlers ${after.started - before.started}, others served ${served}\n`,
  );
}
