import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DeliverEmailSchema, DeliverSmsSchema } from "#gen/notification/v1/jobs_pb.js";
import { currentCall } from "../call/call.ts";
import { fail } from "../errors.ts";
import { createLogger } from "../log/logger.ts";
import { createMetrics } from "../metrics/metrics.ts";
import type { FinishedSpan } from "../telemetry/span.ts";
import { createTracer } from "../telemetry/tracer.ts";
import { collectLogs } from "../testing/logs.ts";
import type { Job, JobHandler, WorkOptions } from "./job.ts";
import { job } from "./job.ts";
import { emailQueue, emailType, leaseMs, scriptedQueue } from "./testing/scripted-queue.ts";
import type { Worker, WorkerOptions } from "./worker.ts";
import { startWorker } from "./worker.ts";
import { compileWork, workerPolicy } from "./worker-policy.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
const workers: Worker[] = [];
afterEach(async () => {
  const stopping = Promise.all(workers.splice(0).map((it) => it.stop(0)));
  await vi.advanceTimersByTimeAsync(60_000);
  await stopping;
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const soonMs = 50;
/** Longer than any pause between two looks. */
const pollMs = workerPolicy.pollMs * 2;

interface OpenOptions extends WorkOptions {
  readonly db?: WorkerOptions["db"];
  readonly random?: () => number;
  readonly works?: WorkerOptions["works"];
}

function open(handler: JobHandler<typeof DeliverEmailSchema> = () => {}, options: OpenOptions = {}) {
  const { random = () => 0.5, works, db, ...own } = options;
  const scripted = scriptedQueue();
  const logs = collectLogs();
  const spans: FinishedSpan[] = [];
  const metrics = createMetrics("notification");
  const start = () => {
    const worker = startWorker({
      service: "notification",
      instanceId: "worker-1",
      works: works ?? compileWork("notification", [job(DeliverEmailSchema, handler, own)]),
      queue: scripted.queue,
      db,
      nats: scripted.nats,
      tracer: createTracer({
        service: "notification",
        ratio: 1,
        sinks: [{ take: (span) => void spans.push(span), close: async () => {} }],
      }),
      metrics,
      log: createLogger({ service: "notification", level: "info", contracts: [], destination: logs }),
      random,
    });
    workers.push(worker);
    return worker;
  };
  const messages = () => logs.lines.map(({ message }) => message);
  return { scripted, logs, messages, spans, metrics, start };
}

/** Ends when the test says so. */
function gate() {
  const opened = Promise.withResolvers<void>();
  return { open: () => opened.resolve(), passed: opened.promise };
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));

describe("a job", () => {
  test("is done when its handler returns, and the queue learns it once", async () => {
    const seen: unknown[] = [];
    const { scripted, start } = open(({ notificationId }, { id, attempt, maxAttempts }) => {
      seen.push({ notificationId, id, attempt, maxAttempts });
    });
    const put = scripted.put({ attempt: 7, try: 2 });
    start();
    await pass(soonMs);
    expect(seen).toEqual([{ notificationId: put.id, id: put.id, attempt: 2, maxAttempts: 3 }]);
    expect(scripted.outcomeOf(put)).toBe("done");
    expect(scripted.settles[0]?.jobs[0]?.held).toMatchObject({ id: put.id, attempt: 7 });
    expect(scripted.settles[0]?.worker).toBe("worker-1");
  });

  test("that throws has failed with what it threw, for good when no attempt can mend it", async () => {
    const { scripted, start, logs } = open(({ notificationId }) => {
      if (notificationId === bad.id) throw fail.invalid("no_such_thing", "this is none");
      throw new Error("the shelf is full");
    });
    const [bad, failing, last] = [scripted.put(), scripted.put(), scripted.put({ try: 3 })];
    start();
    await pass(soonMs);
    expect(scripted.outcomeOf(bad)).toBe("failed: [invalid_argument] this is none (terminal)");
    expect(scripted.outcomeOf(failing)).toBe("failed: the shelf is full");
    const { outcome } = scripted.settles[0]!.jobs[1]!;
    expect(outcome.case === "failed" && outcome.value.stack).toContain("worker.test.ts");
    const levels = new Map(logs.lines.map((line) => [line.job, line.level]));
    expect([bad, failing, last].map(({ id }) => levels.get(id))).toEqual(["error", "warn", "error"]);
  });

  test("that is none, or breaks the rules of its contract, fails for good before its handler sees it", async () => {
    let begun = 0;
    const { scripted, start } = open(() => void begun++);
    const garbage = scripted.put({ payload: Uint8Array.of(255, 255, 255) });
    const broken = scripted.put({ payload: new Uint8Array() });
    start();
    await pass(soonMs);
    expect(scripted.outcomeOf(garbage)).toMatch(/\(terminal\)$/);
    expect(scripted.outcomeOf(broken)).toMatch(/notification_id.*\(terminal\)$/);
    expect(begun).toBe(0);
  });

  test("has a call: the trace and correlation of who asked, its time, and nobody's rights", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let seen: Job["call"] | undefined;
    let at = 0;
    const { scripted, start, spans, logs } = open((_, { call }) => {
      expect(currentCall()).toBe(call);
      seen = call;
      at = Date.now();
    });
    const put = scripted.put({ traceparent, correlationId: "c-1", userId: "u-1" });
    start();
    await pass(soonMs);
    expect(seen).toMatchObject({ correlationId: "c-1", requestId: put.id, caller: {} });
    expect(seen?.deadline).toBe(at + 60_000);
    expect(spans).toMatchObject([
      {
        span: {
          kind: "consumer",
          name: `process job ${emailType}`,
          traceId: "0af7651916cd43dd8448eb211c80319c",
          parentId: "b7ad6b7169203331",
        },
      },
    ]);
    expect(logs.lines).toMatchObject([
      { message: "job", job: put.id, type: emailType, outcome: "done", correlationId: "c-1" },
    ]);
  });

  test("is counted by type and outcome", async () => {
    const { scripted, start, metrics } = open((_, { attempt }) => {
      if (attempt > 1) throw new Error("no");
    });
    for (const attempt of [1, 1, 2]) scripted.put({ try: attempt });
    start();
    await pass(soonMs);
    const text = await metrics.render();
    expect(text).toMatch(/weft_worker_jobs_total\{[^}]*outcome="done"[^}]*\} 2/);
    expect(text).toMatch(/weft_worker_jobs_total\{[^}]*outcome="failed"[^}]*\} 1/);
    expect(text).toMatch(/weft_worker_job_seconds_count\{[^}]*\} 3/);
    expect(text).toMatch(/weft_worker_in_hand\{[^}]*\} 0/);
  });
});

describe("claiming", () => {
  test("asks for as many as there are places, and for more as soon as one is free", async () => {
    const gates: ReturnType<typeof gate>[] = [];
    const { scripted, start } = open(
      () => {
        const it = gate();
        gates.push(it);
        return it.passed;
      },
      { concurrency: 2 },
    );
    for (let at = 0; at < 5; at++) scripted.put();
    start();
    await pass(soonMs);
    expect(scripted.claims).toEqual([[`${emailType}:2`]]);
    expect(gates).toHaveLength(2);
    gates[0]!.open();
    await pass(soonMs);
    expect(gates).toHaveLength(3);
    expect(scripted.claims).toEqual([[`${emailType}:2`], [`${emailType}:1`]]);
    gates[1]!.open();
    gates[2]!.open();
    await pass(soonMs);
    expect(scripted.claims.at(-1)).toEqual([`${emailType}:2`]);
    expect(scripted.most.claim).toBe(1);
    for (const it of gates) it.open();
  });

  test("does not wait for a slow type with the places of another", async () => {
    const slow = gate();
    const seen: string[] = [];
    const works = compileWork("notification", [
      job(DeliverEmailSchema, () => slow.passed, { concurrency: 1 }),
      job(DeliverSmsSchema, ({ notificationId }) => void seen.push(notificationId)),
    ]);
    const { scripted, start } = open(undefined, { works });
    scripted.put();
    scripted.put();
    start();
    await pass(soonMs);
    const sms = scripted.put({ type: DeliverSmsSchema.typeName });
    await pass(pollMs);
    expect(seen).toEqual([sms.id]);
    slow.open();
  });

  test("begins at once when it hears that something is due, and looks by itself otherwise", async () => {
    const { scripted, start } = open();
    start();
    await pass(soonMs);
    const heard = scripted.put();
    scripted.nudge(emailQueue);
    await pass(soonMs);
    expect(scripted.outcomeOf(heard)).toBe("done");
    const unheard = scripted.put();
    await pass(soonMs);
    expect(scripted.outcomeOf(unheard)).toBeUndefined();
    await pass(pollMs);
    expect(scripted.outcomeOf(unheard)).toBe("done");
  });

  test("of a thousand nudges at once is one", async () => {
    const { scripted, start } = open();
    start();
    await pass(soonMs);
    for (let at = 0; at < 1000; at++) scripted.nudge(emailQueue);
    await pass(soonMs);
    expect(scripted.claims).toHaveLength(2);
  });

  test("is sooner when something is due sooner, and not without end when clocks differ", async () => {
    const { scripted, start } = open();
    scripted.nextDueAtMs = Date.now() + 200;
    start();
    await pass(190);
    expect(scripted.claims).toHaveLength(1);
    await pass(soonMs);
    expect(scripted.claims).toHaveLength(2);
    await pass(500);
    expect(scripted.claims).toHaveLength(2);
  });

  test("goes on when the queue comes back, with one warning while it is away", async () => {
    const { scripted, start, messages } = open();
    scripted.isAway = true;
    start();
    await pass(60_000);
    scripted.isAway = false;
    const put = scripted.put();
    await pass(workerPolicy.awayMaxMs * 2);
    expect(scripted.outcomeOf(put)).toBe("done");
    expect(messages()).toEqual(["jobs cannot be claimed now; tried again", "jobs are claimed again", "job"]);
  });
});

describe("a job in hand", () => {
  test("is kept by one call for all at a third of the lease, which shows how far each is", async () => {
    const end = gate();
    let tell: Job["progress"] = () => {};
    const { scripted, start } = open((_, { id, progress }) => {
      if (id === first.id) tell = progress;
      return end.passed;
    });
    const [first, second] = [scripted.put(), scripted.put()];
    start();
    await pass(leaseMs / 3 - soonMs);
    expect(scripted.extensions).toHaveLength(0);
    await pass(2 * soonMs);
    expect(scripted.extensions).toHaveLength(1);
    expect(scripted.extensions[0]?.jobs.map(({ held }) => held?.id)).toEqual([first.id, second.id]);
    await pass(leaseMs / 3);
    expect(scripted.extensions).toHaveLength(2);

    await pass(workerPolicy.progressMs);
    tell(49.6, "half");
    tell(50, "half");
    await pass(soonMs);
    expect(scripted.extensions[2]?.jobs).toMatchObject([
      { held: { id: first.id }, percent: 50, note: "half" },
      { held: { id: second.id }, note: "" },
    ]);
    tell(60);
    tell(70);
    await pass(soonMs);
    expect(scripted.extensions).toHaveLength(3);
    await pass(workerPolicy.progressMs);
    expect(scripted.extensions).toHaveLength(4);
    expect(scripted.extensions[3]?.jobs[0]).toMatchObject({ percent: 70 });
    end.open();
    await pass(leaseMs);
    expect(scripted.extensions).toHaveLength(4);
  });

  test("that was cancelled or given to another has its signal aborted and is told of no more", async () => {
    let reason: unknown;
    const { scripted, start, logs } = open(async (_, { signal }) => {
      await untilAborted(signal);
      reason = signal.reason;
      throw signal.reason;
    });
    const put = scripted.put();
    start();
    await pass(soonMs);
    scripted.taken.add(put.id);
    await pass(leaseMs / 2);
    expect(reason).toMatchObject({ reason: "job_lost" });
    expect(scripted.outcomeOf(put)).toBeUndefined();
    expect(logs.lines.at(-1)).toMatchObject({ message: "job", outcome: "lost" });
    await pass(leaseMs);
    expect(scripted.extensions).toHaveLength(1);
  });

  test("goes on while the queue is away, and what became of it is told when it is back", async () => {
    const end = gate();
    const { scripted, start, messages } = open(() => end.passed);
    const put = scripted.put();
    start();
    await pass(soonMs);
    scripted.isAway = true;
    await pass(15_000);
    end.open();
    await pass(5000);
    scripted.isAway = false;
    await pass(workerPolicy.awayMaxMs * 2);
    expect(scripted.outcomeOf(put)).toBe("done");
    expect(messages().filter((it) => it === "job")).toHaveLength(1);
    expect(messages().length).toBeLessThanOrEqual(7);
  });

  test("shows how far it was at last, also when it ends in the moment after it said so", async () => {
    const { scripted, start } = open((_, { progress }) => progress(90, "counted"));
    const put = scripted.put();
    start();
    await pass(soonMs);
    expect(scripted.extensions.flatMap(({ jobs }) => jobs)).toMatchObject([{ percent: 90, note: "counted" }]);
    expect(scripted.outcomeOf(put)).toBe("done");
  });

  test("shows progress that is a number, and nothing else", async () => {
    const { scripted, start } = open((_, { progress }) => progress(Number.NaN));
    const put = scripted.put();
    start();
    await pass(soonMs);
    expect(scripted.outcomeOf(put)).toContain("the progress of a job is a number");
  });
});

describe("a job that meets with something that is away", () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  const fails = () => {
    throw refused;
  };
  const databaseThat = (answer: () => Promise<unknown>) =>
    ({ sql: answer }) as unknown as WorkerOptions["db"];

  test("is given back after a moment when it is the service's own database", async () => {
    const { scripted, start } = open(fails, { db: databaseThat(() => Promise.reject(refused)) });
    const put = scripted.put();
    start();
    await pass(soonMs);
    expect(scripted.outcomeOf(put)).toBeUndefined();
    await pass(workerPolicy.storeAwayMs);
    expect(scripted.outcomeOf(put)).toBe("givenBack");
  });

  test("has failed when it is anything else", async () => {
    const { scripted, start } = open(fails, { db: databaseThat(() => Promise.resolve([])) });
    const put = scripted.put();
    start();
    await pass(soonMs);
    expect(scripted.outcomeOf(put)).toBe("failed: connect ECONNREFUSED");
  });
});

describe("an attempt that takes too long", () => {
  const timeout = durationFromMs(5000);

  test("has its signal aborted and has failed", async () => {
    const { scripted, start } = open(async (_, { signal }) => {
      await untilAborted(signal);
      throw new Error("had to stop");
    });
    const put = scripted.put({ timeout });
    start();
    await pass(5000 + soonMs);
    expect(scripted.outcomeOf(put)).toBe(
      "failed: timed out: it took longer than 5000 ms; it ended with: had to stop",
    );
  });

  test("keeps its place when its handler does not heed that, and is told of all the same", async () => {
    const end = gate();
    let begun = 0;
    const { scripted, start, messages } = open(
      () => {
        begun++;
        return end.passed;
      },
      { concurrency: 1 },
    );
    const stubborn = scripted.put({ timeout });
    const next = scripted.put();
    start();
    await pass(5000 + workerPolicy.heedMs + soonMs);
    expect(scripted.outcomeOf(stubborn)).toBe("failed: timed out: it took longer than 5000 ms");
    expect(messages()).toContainEqual(expect.stringContaining("goes on although its signal is aborted"));
    await pass(leaseMs);
    expect(begun).toBe(1);
    expect(scripted.extensions).toHaveLength(0);
    end.open();
    await pass(soonMs);
    expect(scripted.outcomeOf(next)).toBe("done");
    expect(scripted.outcomeOf(stubborn)).toMatch(/^failed: timed out[^,]*$/);
  });

  test("is done when it ends well in the last moment", async () => {
    const { scripted, start } = open((_, { signal }) => untilAborted(signal));
    const put = scripted.put({ timeout });
    start();
    await pass(5000 + soonMs);
    expect(scripted.outcomeOf(put)).toBe("done");
  });
});

describe("a worker that stops", () => {
  test("claims nothing more, lets jobs end, and tells what became of them", async () => {
    const { scripted, start } = open(() => new Promise((resolve) => setTimeout(resolve, 4000)));
    const put = scripted.put();
    const worker = start();
    await pass(soonMs);
    let isStopped = false;
    const stopping = worker.stop(20_000).then(() => {
      isStopped = true;
    });
    const late = scripted.put();
    scripted.nudge(emailQueue);
    await pass(3000);
    expect(isStopped).toBe(false);
    await pass(1000 + soonMs);
    await stopping;
    expect(scripted.outcomeOf(put)).toBe("done");
    expect(scripted.outcomeOf(late)).toBeUndefined();
  });

  test("gives back what is not done in time, whether it heeds its signal or not", async () => {
    const { scripted, start } = open(async ({ notificationId }, { signal }) => {
      if (notificationId !== heeding.id) return new Promise(() => {});
      await untilAborted(signal);
      throw signal.reason;
    });
    const heeding = scripted.put();
    const stubborn = scripted.put();
    const worker = start();
    await pass(soonMs);
    const stopping = worker.stop(20_000);
    await pass(20_000);
    await stopping;
    expect(scripted.outcomeOf(heeding)).toBe("givenBack");
    expect(scripted.outcomeOf(stubborn)).toBe("givenBack");
  });

  test("gives back what a claim brings that was under way", async () => {
    let begun = 0;
    const { scripted, start } = open(() => void begun++);
    const put = scripted.put();
    scripted.delayMs = 100;
    const worker = start();
    const stopping = worker.stop(20_000);
    await pass(1000);
    await stopping;
    expect(begun).toBe(0);
    expect(scripted.outcomeOf(put)).toBe("givenBack");
  });

  test("is not held up by a queue that is away", async () => {
    const { scripted, start } = open(() => new Promise(() => {}));
    scripted.put();
    const worker = start();
    await pass(soonMs);
    scripted.isAway = true;
    const stopping = worker.stop(10_000);
    await pass(10_000);
    await stopping;
  });
});

describe("what a service declares", () => {
  test("is refused when it is no job, declared twice, or done too often at once", () => {
    const compile = (...works: ReturnType<typeof job>[]) => compileWork("notification", works);
    const twice = job(DeliverEmailSchema, () => {});
    expect(() => compile(twice, twice)).toThrow("does notification.v1.DeliverEmail twice");
    expect(() => compile(job(DeliverEmailSchema, () => {}, { concurrency: 0 }))).toThrow("1 to 1000");
    expect(() => compile(job(DeliverEmailSchema.file.messages[0]!, () => {}))).not.toThrow();
  });
});
