import { describe, expect, test, vi } from "vitest";
import type { Up } from "./platform.ts";
import { Checkout, isAlive, until } from "./platform.ts";

// Each is several processes: more at once would only wait for each other.
vi.setConfig({ maxConcurrency: 2 });

const account = { email: "ada@example.com", password: "correct horse 9", display_name: "Ada" };
const register = (up: Up) => up.post("user", "user.v1.AuthService/Register", account);
const login = (up: Up) => up.post("user", "user.v1.AuthService/Login", account);
const canLogIn = async (up: Up) => {
  try {
    return (await login(up)).status === 200;
  } catch {
    return false;
  }
};

test("`weft up` shows what runs, where, and what to try", { timeout: 120_000 }, async () => {
  await using checkout = new Checkout();
  const up = await checkout.up();
  expect(up.output).toMatch(/user +healthy +http:\/\/localhost:\d+/);
  expect(up.output).toMatch(/security +healthy +http:\/\/localhost:\d+/);
  expect(up.output).toMatch(/PostgreSQL 18\S* +ready/);
  expect(up.output).toContain("/api/v1/auth/register");
  expect((await register(up)).status).toBe(200);

  const status = await checkout.run(["status"]);
  expect(status.code, status.stdout).toBe(0);
  expect(status.stdout).toMatch(/user +healthy +SERVING/);

  const again = await checkout.run(["up"]);
  expect(again.code).toBe(1);
  expect(again.stderr).toContain(`already (pid ${up.pid})`);
});

test("`weft up` has everything again after kill -9 of its process and a new start", {
  timeout: 120_000,
}, async () => {
  await using checkout = await Checkout.prepared();
  const first = await checkout.up(["user"]);
  expect((await register(first)).status).toBe(200);
  const orphans = [first.serverPid("postgres"), first.serverPid("nats")];
  await first.end("SIGKILL");

  const second = await checkout.up(["user"]);
  expect((await login(second)).status).toBe(200);
  expect(orphans.some(isAlive)).toBe(false);
});

// They mostly wait, for processes to start and to end, each on data of its own.
describe.concurrent("weft up", { timeout: 120_000 }, () => {
  test("stops on Ctrl-C with exit code 0 and leaves no process", async () => {
    await using checkout = await Checkout.prepared();
    const up = await checkout.up(["user"]);
    const pids = [up.serverPid("postgres"), up.serverPid("nats")];
    expect(pids.every(isAlive)).toBe(true);
    expect(await up.end("SIGINT")).toBe(0);
    expect(pids.some(isAlive)).toBe(false);
    expect((await checkout.run(["status"])).stderr).toContain("nothing runs in this checkout");
  });

  test("stops on Ctrl-C while it starts, and leaves no process", async () => {
    await using checkout = new Checkout();
    const up = checkout.starting(["user"]);
    await until(() => up.serverPid("nats") !== 0, 20_000);
    const pids = [up.serverPid("postgres"), up.serverPid("nats")];
    expect(await up.end("SIGINT")).toBe(0);
    expect(pids.some(isAlive)).toBe(false);
  });

  test.each(["postgres", "nats"] as const)(
    "restarts %s after kill -9, and everything is there",
    async (server) => {
      await using checkout = await Checkout.prepared();
      const up = await checkout.up(["user"]);
      expect((await register(up)).status).toBe(200);
      const killed = up.serverPid(server);
      process.kill(killed, "SIGKILL");
      await until(() => up.serverPid(server) !== killed && isAlive(up.serverPid(server)), 20_000);
      await until(() => canLogIn(up), 20_000);
      await until(async () => (await checkout.run(["status"])).code === 0, 20_000);
    },
  );

  test("runs beside another checkout", async () => {
    await using one = await Checkout.prepared();
    await using other = await Checkout.prepared();
    const [a, b] = [await one.up(["user"]), await other.up(["user"])];
    expect((await register(a)).status).toBe(200);
    expect((await login(b)).status).toBe(401);
  });
});

describe.concurrent("weft up --isolate", { timeout: 120_000 }, () => {
  test("gives each service a process, brings a killed one back, and leaves none behind", async () => {
    await using checkout = await Checkout.prepared();
    const up = await checkout.up(["user", "--isolate"]);
    expect((await register(up)).status).toBe(200);
    const [user, security] = [up.servicePid("user"), up.servicePid("security")];
    expect(new Set([up.pid, user, security]).size).toBe(3);

    process.kill(user, "SIGKILL");
    await until(() => canLogIn(up), 20_000);
    const again = up.servicePid("user");
    expect([again === user, isAlive(again)]).toEqual([false, true]);
    expect((await checkout.run(["status"])).stdout).toMatch(new RegExp(`^ +user .* ${again} `, "m"));

    expect(await up.end("SIGTERM")).toBe(0);
    expect([user, again, security].some(isAlive)).toBe(false);
  });

  test("lets no service outlive a supervisor that was killed", async () => {
    await using checkout = await Checkout.prepared();
    const up = await checkout.up(["user", "--isolate"]);
    const pids = [up.servicePid("user"), up.servicePid("security")];
    await up.end("SIGKILL");
    await until(() => !pids.some(isAlive), 30_000);
  });
});
