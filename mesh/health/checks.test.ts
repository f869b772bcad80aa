import { describe, expect, test } from "vitest";
import { createHealthChecks } from "./checks.ts";

const well = () => {};
const ill = () => {
  throw new Error("gone");
};

describe("a report", () => {
  test.each([
    ["nothing to depend on", [], "healthy"],
    [
      "all well",
      [
        { critical: true, check: well },
        { critical: false, check: well },
      ],
      "healthy",
    ],
    [
      "something critical down",
      [
        { critical: true, check: ill },
        { critical: false, check: well },
      ],
      "unhealthy",
    ],
    [
      "something else down",
      [
        { critical: true, check: well },
        { critical: false, check: ill },
      ],
      "degraded",
    ],
    [
      "both down",
      [
        { critical: true, check: ill },
        { critical: false, check: ill },
      ],
      "unhealthy",
    ],
  ])("with %s", async (_name, checks, status) => {
    const health = createHealthChecks();
    checks.forEach((it, index) => {
      health.add({ name: `d${index}`, ...it });
    });
    expect((await health.report()).status).toBe(status);
  });

  test("says of each dependency how it is, and why", async () => {
    const health = createHealthChecks();
    health.add({ name: "database", critical: true, check: async () => ill() });
    health.add({ name: "nats", critical: false, check: well });
    expect((await health.report()).dependencies).toEqual({
      database: { status: "unhealthy", critical: true, latencyMs: expect.any(Number), error: "gone" },
      nats: { status: "healthy", critical: false, latencyMs: expect.any(Number) },
    });
  });
});

describe("runs of the checks", () => {
  let now = 0;
  const counted = (check: () => unknown) => {
    const counter = { runs: 0 };
    const health = createHealthChecks({ now: () => now });
    health.add({
      name: "x",
      critical: true,
      check: () => {
        counter.runs++;
        return check();
      },
    });
    return { health, counter };
  };

  test("are shared by those who ask together or within a second", async () => {
    const { health, counter } = counted(well);
    await Promise.all([health.report(), health.report(), health.report()]);
    now += 1000;
    await health.report();
    expect(counter.runs).toBe(1);
    now += 1;
    await health.report();
    expect(counter.runs).toBe(2);
  });

  test("do not pile up on a dependency that hangs", async () => {
    const pending = Promise.withResolvers<void>();
    const { health, counter } = counted(() => pending.promise);
    const reports = [health.report()];
    for (let i = 0; i < 5; i++) {
      now += 1500;
      reports.push(health.report());
    }
    await Promise.resolve();
    expect(counter.runs).toBe(1);
    pending.resolve();
    expect((await Promise.all(reports)).map(({ status }) => status)).toEqual(Array(6).fill("healthy"));
  });

  test("begin anew when a check is added", async () => {
    const { health } = counted(well);
    await health.report();
    health.add({ name: "late", critical: true, check: ill });
    expect((await health.report()).status).toBe("unhealthy");
  });
});

test("a check that does not answer counts as unhealthy", async () => {
  const health = createHealthChecks({ timeoutMs: 20 });
  health.add({ name: "slow", critical: true, check: () => new Promise(() => {}) });
  const { status, dependencies } = await health.report();
  expect(status).toBe("unhealthy");
  expect(dependencies.slow?.error).toBe("no answer within 0.02 s");
});
