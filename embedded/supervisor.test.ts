import { expect, test } from "vitest";
import type { Clock } from "./clock.ts";
import { EmbeddedError } from "./errors.ts";
import type { Child, Exit } from "./process/child.ts";
import type { Change, Program } from "./supervisor.ts";
import { Supervisor } from "./supervisor.ts";

/** A clock that stands still until told; `tick` lets everything that waits on promises go on first. */
function fakeClock() {
  let now = 0;
  const timers = new Set<{ at: number; run: () => void }>();
  const clock: Clock = {
    now: () => now,
    after(ms, run) {
      const timer = { at: now + ms, run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  };
  const tick = async (ms = 0) => {
    await settle();
    now += ms;
    for (const timer of [...timers].filter(({ at }) => at <= now)) {
      timers.delete(timer);
      timer.run();
    }
    await settle();
  };
  return { clock, tick };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

interface Life extends Child {
  signals: string[];
  ready(): void;
  die(exit?: Partial<Exit>): void;
}

/** A program whose lives the test plays; `obeys` is the signal its children die of. */
function fakeProgram(obeys: NodeJS.Signals = "SIGINT") {
  const lives: Life[] = [];
  const program: Program = {
    stopSteps: [
      { signal: "SIGINT", waitMs: 1000 },
      { signal: "SIGKILL", waitMs: 1000 },
    ],
    async launch() {
      const { promise: exited, resolve: exit } = Promise.withResolvers<Exit>();
      const readiness = Promise.withResolvers<void>();
      const life: Life & { readiness: Promise<void> } = {
        pid: 100 + lives.length,
        exited,
        signals: [],
        readiness: readiness.promise,
        ready: readiness.resolve,
        die: ({ code = null, signal = null } = { signal: "SIGKILL" }) => exit({ code, signal }),
        kill(signal) {
          life.signals.push(signal);
          if (signal === obeys || signal === "SIGKILL") exit({ code: null, signal });
        },
      };
      lives.push(life);
      return life;
    },
    probe: async (child) => {
      await (child as Life & { readiness: Promise<void> }).readiness;
      return "1.0";
    },
    explain: () => new EmbeddedError("start_failed", "it left", { remedy: "look" }),
  };
  return { program, lives };
}

function setUp(obeys?: NodeJS.Signals) {
  const { clock, tick } = fakeClock();
  const { program, lives } = fakeProgram(obeys);
  const changes: Change[] = [];
  const supervisor = new Supervisor(program, {
    name: "it",
    clock,
    onChange: (change) => changes.push(change),
  });
  const started = async () => {
    const start = supervisor.start();
    await tick();
    lives.at(-1)!.ready();
    await start;
  };
  return { supervisor, lives, changes, tick, started };
}

test("start resolves when the server is ready, not when it is launched", async () => {
  const { supervisor, lives, tick } = setUp();
  let resolved = false;
  const start = supervisor.start().then(() => (resolved = true));
  await tick();
  expect([lives.length, resolved, supervisor.state]).toEqual([1, false, "starting"]);
  lives[0]!.ready();
  await start;
  expect([supervisor.state, supervisor.pid, supervisor.version]).toEqual(["ready", 100, "1.0"]);
});

test("a server that leaves before it is ready fails the start, and is not tried again", async () => {
  const { supervisor, lives, tick } = setUp();
  const start = supervisor.start();
  const failed = expect(start).rejects.toMatchObject({ code: "start_failed" });
  await tick();
  lives[0]!.die({ code: 1 });
  await failed;
  await tick(60_000);
  expect([supervisor.state, supervisor.pid, lives.length]).toEqual(["failed", undefined, 1]);
});

test("a server that never gets ready is stopped and fails the start", async () => {
  const { supervisor, lives, tick } = setUp();
  const failed = expect(supervisor.start()).rejects.toMatchObject({ code: "start_timeout" });
  await tick();
  await tick(120_000);
  await failed;
  expect(lives[0]!.signals).toEqual(["SIGINT"]);
});

test("a crash is followed by a restart after a quarter of a second", async () => {
  const { supervisor, lives, changes, tick, started } = setUp();
  await started();
  lives[0]!.die();
  await tick();
  expect([supervisor.state, supervisor.pid]).toEqual(["restarting", undefined]);
  expect(changes.at(-1)).toEqual({ type: "exited", why: "was killed by SIGKILL", restartInMs: 250 });
  await tick(249);
  expect(lives.length).toBe(1);
  await tick(1);
  lives[1]!.ready();
  await tick();
  expect([supervisor.state, supervisor.pid, supervisor.restarts]).toEqual(["ready", 101, 1]);
});

test("restarts come ever slower, up to ten seconds, and never end", async () => {
  const { lives, changes, tick, started } = setUp();
  await started();
  for (let crash = 0; crash < 9; crash++) {
    lives.at(-1)!.die({ code: 1 });
    await tick();
    await tick(10_000);
  }
  const delays = changes.flatMap((change) => (change.type === "exited" ? [change.restartInMs] : []));
  expect(delays).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
  expect(lives.length).toBe(10);
});

test("half a minute in good health makes the next crash count as the first", async () => {
  const { lives, changes, tick, started } = setUp();
  await started();
  for (let crash = 0; crash < 3; crash++) {
    lives.at(-1)!.die();
    await tick();
    await tick(10_000);
    lives.at(-1)!.ready();
    await tick(crash === 1 ? 30_000 : 0);
  }
  const delays = changes.flatMap((change) => (change.type === "exited" ? [change.restartInMs] : []));
  expect(delays).toEqual([250, 500, 250]);
});

test("its place is kept while it is down, and free when it is launched again or stopped", async () => {
  const { clock, tick } = fakeClock();
  const { program, lives } = fakeProgram();
  const seen: string[] = [];
  const standIn = async () => {
    seen.push("kept");
    return async () => void seen.push("freed");
  };
  const supervisor = new Supervisor(program, { name: "it", clock, standIn });
  const start = supervisor.start();
  await tick();
  lives[0]!.ready();
  await start;
  lives[0]!.die();
  await tick();
  expect(seen).toEqual(["kept"]);
  await tick(250);
  expect([seen, lives.length]).toEqual([["kept", "freed"], 2]);
  lives[1]!.die();
  await tick();
  await supervisor.stop();
  expect(seen).toEqual(["kept", "freed", "kept", "freed"]);
});

test("stop asks gently and resolves when the process is gone", async () => {
  const { supervisor, lives, changes, tick, started } = setUp();
  await started();
  await supervisor.stop();
  await tick(60_000);
  expect(lives.map(({ signals }) => signals)).toEqual([["SIGINT"]]);
  expect([supervisor.state, supervisor.pid]).toEqual(["stopped", undefined]);
  expect(changes.slice(-2)).toEqual([{ type: "stopping" }, { type: "stopped" }]);
});

test("a server deaf to the gentle signal is killed once its time is up", async () => {
  const { supervisor, lives, tick, started } = setUp("SIGKILL");
  await started();
  const stop = supervisor.stop();
  await tick(999);
  expect(lives[0]!.signals).toEqual(["SIGINT"]);
  await tick(1);
  await stop;
  expect(lives[0]!.signals).toEqual(["SIGINT", "SIGKILL"]);
});

test("stop during the wait for a restart ends the wait and launches nothing", async () => {
  const { supervisor, lives, tick, started } = setUp();
  await started();
  lives[0]!.die();
  await tick();
  await supervisor.stop();
  await tick(60_000);
  expect([supervisor.state, lives.length]).toEqual(["stopped", 1]);
});

test("stop during a start ends the half-started child and fails the start", async () => {
  const { supervisor, lives, tick } = setUp();
  const failed = expect(supervisor.start()).rejects.toMatchObject({ code: "stopped" });
  await tick();
  await supervisor.stop();
  await failed;
  expect(lives.map(({ signals }) => signals)).toEqual([["SIGINT"]]);
  expect(supervisor.state).toBe("stopped");
});

test("stop during a restart ends the new child too", async () => {
  const { supervisor, lives, tick, started } = setUp();
  await started();
  lives[0]!.die();
  await tick();
  await tick(250);
  await supervisor.stop();
  expect(lives.map(({ signals }) => signals)).toEqual([[], ["SIGINT"]]);
});

test("stopping twice is stopping once", async () => {
  const { supervisor, lives, started } = setUp();
  await started();
  await Promise.all([supervisor.stop(), supervisor.stop()]);
  expect(lives[0]!.signals).toEqual(["SIGINT"]);
});
