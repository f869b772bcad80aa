import { describe, expect, test, vi } from "vitest";
import type { Call, Logger } from "#mesh";
import { currentCall } from "#mesh";
import { createMetrics } from "#mesh/metrics/metrics.ts";
import { createReports } from "./reports.ts";

const log = { warn: vi.fn() } as unknown as Logger;
const call = {
  method: "user.v1.AuthService/Login",
  requestId: "r1",
  caller: { user: { id: "u", email: "", sessionId: "s", roles: [], permissions: [] } },
  userToken: "secret",
  deadline: 0,
  signal: AbortSignal.abort(),
} as unknown as Call;

function setUp(limit: number) {
  const metrics = createMetrics("user");
  return { metrics, reports: createReports({ log, metrics, limit, timeoutMs: 60_000 }) };
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
});
