import { describe, expect, test, vi } from "vitest";
import type { Call, Logger } from "#mesh";
import { currentCall } from "#mesh";
import { createMetrics } from "#mesh/metrics/metrics.ts";
import type { ReportKind } from "./report-limits.ts";
import { reportLimits } from "./report-limits.ts";
import type { Reports } from "./reports.ts";
import { createReports } from "./reports.ts";

const log = { warn: vi.fn() } as unknown as Logger;
const call = {
  method: "user.v1.AuthService/Login",
  requestId: "r1",
  caller: { user: { id: "u", email: "", sessionId: "s", roles: [], permissions: [] } },
  client: { address: "192.0.2.1", userAgent: "" },
  userToken: "secret",
  deadline: 0,
  signal: AbortSignal.abort(),
} as unknown as Call;

function setUp(all: number, perCaller = all) {
  const metrics = createMetrics("user");
  const each = { all, perCaller, waitingPerCaller: 2 };
  const limits = { sign_in: each, sign_in_audit: each, audit: each };
  return { metrics, reports: createReports({ log, metrics, limits, timeoutMs: 60_000 }) };
}

const callOf = (id: string, signal = new AbortController().signal): Call =>
  ({ ...call, signal, caller: { user: { ...call.caller.user, id } } }) as Call;
const strangerAt = (address: string): Call => ({ ...call, caller: {}, client: { ...call.client, address } });

/** Sends what does not end before it is told to; answers who was let in. */
function flood(reports: Reports) {
  const end = Promise.withResolvers<void>();
  const started: string[] = [];
  return {
    started,
    end: async () => {
      end.resolve();
      await reports.settle();
    },
    send: (kind: ReportKind, from: Call, name: string) =>
      reports.send(kind, from, () => {
        started.push(name);
        return end.promise;
      }),
    work: () => end.promise,
  };
}

describe("reports", () => {
  test("beyond so many under way are dropped and counted, not kept", async () => {
    const { metrics, reports } = setUp(2);
    const end = Promise.withResolvers<void>();
    let started = 0;
    for (let i = 0; i < 5; i++) {
      reports.send("audit", call, () => {
        started++;
        return end.promise;
      });
    }
    expect(started).toBe(2);
    expect(await metrics.render()).toMatch(
      /user_reports_lost_total\{report="audit",why="too_many",service="user"\} 3/,
    );
    end.resolve();
    await reports.settle();
    reports.send("audit", call, async () => started++);
    expect(started).toBe(3);
  });

  test("that fail are counted and logged, and disturb nobody", async () => {
    const { metrics, reports } = setUp(2);
    reports.send("audit", call, () => Promise.reject(new Error("no answer")));
    reports.send("audit", call, () => {
      throw new Error("broken");
    });
    await reports.settle();
    expect(await metrics.render()).toMatch(/why="failed",service="user"\} 2/);
    expect(log.warn).toHaveBeenCalledWith(expect.objectContaining({ report: "audit" }), "report failed");
  });

  test("outlive the call that they tell of, and are not made in the user's name", async () => {
    const { reports } = setUp(2);
    const seen: (Call | undefined)[] = [];
    reports.send("audit", call, async () => seen.push(currentCall()));
    await reports.settle();
    expect(seen[0]).toMatchObject({ requestId: "r1", caller: {}, userToken: "" });
    expect(seen[0]?.signal.aborted).toBe(false);
    expect(seen[0]?.deadline).toBeGreaterThan(Date.now());
  });

  test("that are under way are waited for at the end", async () => {
    const { reports } = setUp(2);
    const end = Promise.withResolvers<void>();
    reports.send("audit", call, () => end.promise);
    let settled = false;
    const settling = reports.settle().then(() => {
      settled = true;
    });
    await Promise.resolve();
    expect(settled).toBe(false);
    end.resolve();
    await settling;
  });

  test("of one kind displace none of another", async () => {
    const { reports } = setUp(2);
    const { send, started, end } = flood(reports);
    for (let i = 0; i < 9; i++) send("audit", callOf(`u${i}`), "audit");
    send("sign_in", callOf("owner"), "sign_in");
    send("sign_in_audit", callOf("owner"), "sign_in_audit");
    expect(started).toEqual(["audit", "audit", "sign_in", "sign_in_audit"]);
    await end();
  });

  test("of one caller leave room for those of others", async () => {
    const { reports } = setUp(100, 2);
    const { send, started, end } = flood(reports);
    for (let i = 0; i < 9; i++) {
      send("audit", callOf("flooder"), "flooder");
      send("audit", strangerAt(`2001:db8::${i}`), "network");
    }
    send("audit", callOf("other"), "other");
    send("audit", strangerAt("2001:db8:0:1::1"), "elsewhere");
    expect(started.sort()).toEqual(["elsewhere", "flooder", "flooder", "network", "network", "other"]);
    await end();
  });

  test("as limited in earnest, one caller takes a small part of a kind", () => {
    for (const { all, perCaller } of Object.values(reportLimits)) {
      expect(perCaller).toBe(8);
      expect(all / perCaller).toBeGreaterThanOrEqual(32);
    }
  });
});

describe("actions that must be reported", () => {
  const acting = (reports: Reports, from: Call, done: string[], name: string, work: () => Promise<unknown>) =>
    reports.during("audit", from, async (send) => {
      done.push(name);
      send(work);
      return name;
    });

  test("wait their turn while the caller has too much under way, and lose no report", async () => {
    const { metrics, reports } = setUp(100, 1);
    const first = Promise.withResolvers<void>();
    const [done, sent] = [[] as string[], [] as string[]];
    const work = async () => sent.push("report");
    await acting(reports, callOf("u"), done, "first", () => first.promise);
    const second = acting(reports, callOf("u"), done, "second", work);
    await acting(reports, callOf("other"), done, "other", work);
    expect(done).toEqual(["first", "other"]);
    first.resolve();
    expect(await second).toBe("second");
    await reports.settle();
    expect(sent).toHaveLength(2);
    expect(await metrics.render()).not.toMatch(/user_reports_lost_total\{/);
  });

  test("are not done when the caller leaves before there is room for the report", async () => {
    const { reports } = setUp(100, 1);
    const { work, end } = flood(reports);
    const caller = new AbortController();
    const done: string[] = [];
    await acting(reports, callOf("u"), done, "first", work);
    const waiting = acting(reports, callOf("u", caller.signal), done, "second", work);
    caller.abort(new Error("gone"));
    await expect(waiting).rejects.toThrow("gone");
    expect(done).toEqual(["first"]);
    await end();
    expect(await acting(reports, callOf("u"), done, "third", async () => {})).toBe("third");
  });

  test("do not wait in any number", async () => {
    const { reports } = setUp(100, 1);
    const { work, end } = flood(reports);
    const done: string[] = [];
    const acts = Array.from({ length: 5 }, (_, i) => acting(reports, callOf("u"), done, `${i}`, work));
    await expect(acts[3]).rejects.toMatchObject({ reason: "too_many_at_once", retryAfterMs: 1000 });
    await expect(acts[4]).rejects.toMatchObject({ reason: "too_many_at_once" });
    await end();
    await Promise.all(acts.slice(0, 3));
    expect(done).toEqual(["0", "1", "2"]);
  });

  test("that fail, or have nothing to report, give their turn to the next", async () => {
    const { reports } = setUp(1);
    const broken = reports.during("audit", callOf("u"), () => Promise.reject(new Error("broken")));
    const silent = reports.during("audit", callOf("v"), async () => "nothing happened");
    await expect(broken).rejects.toThrow("broken");
    expect(await silent).toBe("nothing happened");
    expect(await acting(reports, callOf("w"), [], "next", async () => {})).toBe("next");
  });
});
