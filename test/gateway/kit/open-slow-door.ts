import { fork } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";

/** Bounds as the gateway has them, but reached soon. */
export const doorLimits = {
  messageBytes: 1024 * 1024,
  headersMs: 1500,
  bodyMs: 1500,
  lingerMs: 500,
  stalledReadMs: 1000,
  idleMs: 4000,
  connectionsPerAddress: 500,
} as const;

export interface DoorQuestion {
  readonly id: number;
  /** Lets go of what is not used first. */
  readonly collect: boolean;
}

export interface DoorReport {
  readonly connections: number;
  /** Requests that are being answered. */
  readonly running: number;
  /** Heap and buffers. */
  readonly memory: number;
  readonly rss: number;
  readonly peakRss: number;
}

export interface SlowDoor extends AsyncDisposable {
  readonly port: number;
  report(): Promise<DoorReport>;
  /**
   * Does something bad while others are served all the time, and expects that
   * nothing is left of it: no connection, no request, little memory.
   */
  under(attack: () => Promise<void>, most: { grownMb: number }): Promise<void>;
}

const mb = 1024 * 1024;
/** The others come from an address of their own. */
const elsewhere = "127.0.0.9";

export async function openSlowDoor(): Promise<SlowDoor> {
  const child = fork(join(import.meta.dirname, "slow-door.ts"), [], {
    execArgv: ["--expose-gc"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const gone = once(child, "exit");
  const [{ port }] = (await Promise.race([once(child, "message"), gone])) as [{ port: number }];
  let asked = 0;
  const waiting = new Map<number, (report: DoorReport) => void>();
  child.on("message", ({ id, report }: { id: number; report: DoorReport }) => {
    waiting.get(id)?.(report);
    waiting.delete(id);
  });
  const ask = (collect: boolean) =>
    new Promise<DoorReport>((resolve, reject) => {
      const id = ++asked;
      waiting.set(id, resolve);
      child.send({ id, collect });
      void gone.then(() => reject(new Error("the gateway died")));
    });

  /** One who asks in turn, as long as it is wanted. */
  const others = () => {
    let served = 0;
    let wanted = true;
    const failures: string[] = [];
    const going = (async () => {
      while (wanted) {
        const problem = await say(port);
        if (problem) failures.push(problem);
        else served++;
        await sleep(10);
      }
    })();
    return {
      failures,
      async stop() {
        const before = served;
        while (served < before + 3 && failures.length === 0) await sleep(10);
        wanted = false;
        await going;
      },
    };
  };
  for (let at = 0; at < 20; at++) await say(port);

  return {
    port,
    report: () => ask(false),
    async under(attack, { grownMb }) {
      const before = await ask(true);
      const neighbour = others();
      await attack();
      await neighbour.stop();
      expect(neighbour.failures).toEqual([]);
      const isOver = async () => {
        const { connections, running } = await ask(false);
        return connections <= before.connections && running === 0;
      };
      for (let at = 0; at < 400 && !(await isOver()); at++) await sleep(25);
      const { peakRss } = await ask(false);
      let after = await ask(true);
      for (let at = 0; at < 10 && after.memory - before.memory > 20 * mb; at++) {
        await sleep(100);
        after = await ask(true);
      }
      expect(after.connections, "connections left").toBeLessThanOrEqual(before.connections);
      expect(after.running, "requests left").toBe(0);
      expect((after.memory - before.memory) / mb, "MB kept").toBeLessThan(20);
      expect((peakRss - before.rss) / mb, "MB grown").toBeLessThan(grownMb);
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}

/** Asks as anybody does; gives what went wrong. */
function say(port: number): Promise<string | undefined> {
  const body = '{"text":"four"}';
  return new Promise((resolve) => {
    const asked = request({
      host: "127.0.0.1",
      localAddress: elsewhere,
      port,
      method: "POST",
      path: "/api/v1/say",
      headers: { "content-type": "application/json", "content-length": body.length },
      agent: false,
      timeout: 10_000,
    });
    asked.once("timeout", () => asked.destroy(new Error("not within 10 s")));
    asked.once("error", (error) => resolve(error.message));
    asked.once("response", (response) => {
      let text = "";
      response.on("data", (chunk) => {
        text += chunk;
      });
      response.once("error", (error) => resolve(error.message));
      response.once("end", () => resolve(text.includes('"text":"4"') ? undefined : text));
    });
    asked.end(body);
  });
}
