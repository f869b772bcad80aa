import { setTimeout as sleep } from "node:timers/promises";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fate, Load } from "./kit/load.ts";
import { failed, longestMs, shareOf, startLoad } from "./kit/load.ts";
import type { Mesh } from "./kit/mesh.ts";
import { openMesh } from "./kit/mesh.ts";
import { note } from "./kit/note.ts";
import { until } from "./kit/until.ts";
import type { Worker } from "./kit/workers.ts";

const perSecond = 200;
/** What each handler takes, so that several calls are under way at any time. */
const usualMs = 50;
const timeoutMs = 1000;
/** One call of ten is given so much. */
const patientMs = 20_000;
/** What a call may end later than its deadline, on a machine that does other things too. */
const lateMs = 500;
/** Less than this is no fair share of three. */
const fair = 0.2;

let mesh: Mesh;
beforeAll(async () => {
  mesh = await openMesh();
});
afterAll(() => mesh[Symbol.asyncDispose]());

/** Steady calls that may be repeated, and three instances of which each has its share of them. */
async function underLoad(
  service: string,
  delayMs = usualMs,
): Promise<{ workers: Worker[]; one: Worker; load: Load }> {
  const workers = await mesh.startAll(service, 3);
  for (const it of workers) it.set({ delayMs });
  const client = mesh.client(service);
  const load = startLoad(perSecond, (n) =>
    client.look({}, { timeoutMs: n % 10 === 0 ? patientMs : timeoutMs }),
  );
  for (const it of workers) await hasItsShare(it, load);
  return { workers, one: workers[1] as Worker, load };
}
const hasItsShare = (worker: Worker, load: Load, share = fair) =>
  until(() => shareOf(worker.pid, load.since(performance.now() - 800)) > share, 30_000);
const answeredBy = ({ pid }: Worker, fates: readonly Fate[]) => fates.some(({ who }) => who === pid);
const began = (workers: readonly Worker[]) => workers.reduce((sum, it) => sum + it.began(), 0);

describe("one of three instances", { timeout: 90_000 }, () => {
  test("that is killed costs no repeatable call, and its replacement gets its share", async () => {
    const { workers, one, load } = await underLoad("killed");
    const killedMs = performance.now();
    one.signal("SIGKILL");
    await sleep(1500);
    const others = workers.filter((it) => it !== one);
    for (const { pid } of others) expect(shareOf(pid, load.since(killedMs + 300))).toBeGreaterThan(0.3);
    const added = await mesh.start("killed");
    added.set({ delayMs: usualMs });
    const shareMs = await hasItsShare(added, load);
    await load.stop();

    expect(failed(load.fates)).toEqual([]);
    expect(longestMs(load.fates)).toBeLessThan(timeoutMs + lateMs);
    const tries = began([...workers, added]) / load.fates.length;
    expect(tries).toBeLessThanOrEqual(1.2);
    note({ killed: { shareMs, tries, longestMs: longestMs(load.fates), calls: load.fates.length } });
  });

  test("that is paused is left at once, and used again when it goes on", async () => {
    const { workers, one, load } = await underLoad("paused");
    const pausedMs = performance.now();
    one.signal("SIGSTOP");
    const goneMs = await until(() => mesh.directory.instances("paused").length === 2, 15_000);
    await sleep(500);
    one.signal("SIGCONT");
    const resumedMs = performance.now();
    const usedMs = await until(() => answeredBy(one, load.since(resumedMs)), 15_000);
    const shareMs = await hasItsShare(one, load);
    await load.stop();

    const paused = load.since(pausedMs - 200, resumedMs);
    const late = paused.filter(({ error }) => error);
    for (const { error, tookMs } of late) {
      expect(error?.code).toBe(Code.DeadlineExceeded);
      expect(tookMs).toBeLessThan(timeoutMs + lateMs);
    }
    // Those on their way when it stopped, and a few that ask how it is. Whoever has time is answered by another.
    expect(late.length / paused.length).toBeLessThan(0.02);
    expect(late.filter(({ startedMs }) => startedMs > pausedMs + 200).length).toBeLessThanOrEqual(10);
    // The connection is given up after five to seven seconds of silence.
    expect(longestMs(paused)).toBeLessThan(7500 + lateMs);
    // Its lease ends after six seconds, and the broker is asked once more.
    expect(goneMs).toBeLessThan(9000);
    const tries = began(workers) / load.fates.length;
    expect(tries).toBeLessThanOrEqual(1.2);
    const lateAt = late.map(({ startedMs }) => Math.round(startedMs - pausedMs));
    note({
      paused: { lateAt, goneMs, usedMs, shareMs, longestMs: longestMs(paused), tries, calls: paused.length },
    });
  });

  test("that is slow gets few calls, and its share again when it is well", async () => {
    // What was slow is forgotten by and by, within ten seconds to a third.
    const delayMs = 100;
    const { one, load } = await underLoad("slow", delayMs);
    one.set({ delayMs: delayMs + 500 });
    const slowMs = performance.now();
    await sleep(3000);
    one.set({ delayMs });
    const wellMs = performance.now();
    const shareMs = await hasItsShare(one, load, fair / 2);
    await load.stop();

    expect(failed(load.fates)).toEqual([]);
    const share = shareOf(one.pid, load.since(slowMs + 700, wellMs - 700));
    expect(share).toBeLessThan(fair / 2);
    note({ slow: { share, shareMs } });
  });

  test("that fails all calls is shut out after five, and let in again when it is well", async () => {
    const { one, load } = await underLoad("failing");
    one.set({ delayMs: usualMs, fails: true });
    const sickMs = performance.now();
    // Its first probe, a second after it was shut out, fails; the next follows two seconds later.
    await sleep(2200);
    one.set({ delayMs: usualMs });
    const wellMs = performance.now();
    const usedMs = await until(() => answeredBy(one, load.since(wellMs + 200)), 10_000);
    const shareMs = await hasItsShare(one, load);
    await load.stop();

    const failures = failed(load.since(sickMs - 200));
    // Five shut it out; others were on their way, and each probe costs one.
    expect(failures.length).toBeGreaterThanOrEqual(5);
    expect(failures.length).toBeLessThanOrEqual(15);
    const settled = load.since(sickMs + 500, wellMs);
    expect(failed(settled).length / settled.length).toBeLessThan(0.02);
    expect(failed(load.since(wellMs + 200))).toEqual([]);
    note({
      failing: {
        failures: failures.length,
        settled: failed(settled).length,
        of: settled.length,
        usedMs,
        shareMs,
      },
    });
  });
});

test("when all instances fail, the error says which breaker is open, why, and until when", async () => {
  const { workers, load } = await underLoad("broken");
  const before = began(workers);
  for (const it of workers) it.set({ fails: true });
  const sickMs = performance.now();
  await sleep(800);
  await load.stop();
  const open = load.since(sickMs).find(({ error }) => error?.code === Code.Unavailable)?.error?.rawMessage;
  expect(open).toMatch(
    /^breaker open for broken@127\.0\.0\.1:\d+: 5 failures in a row, next try in \d\.\d s \(none of its 3 instances takes calls\)$/,
  );
  // Fifteen shut all three out; what comes after costs them nothing.
  expect(began(workers) - before).toBeLessThanOrEqual(50);
  note({ open, began: began(workers) - before, calls: load.since(sickMs).length });
}, 60_000);
