import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { commands } from "../../cli/commands/index.ts";
import type { Result, Up } from "./platform.ts";
import { Checkout } from "./platform.ts";

// Each is several processes: more at once would only wait for each other.
vi.setConfig({ maxConcurrency: 2 });

/** A failure that a person can act on: one line, no stack, a code other than 0. */
function expectOneLine({ code, stdout, stderr }: Result, ...parts: string[]): void {
  expect(code, stderr).not.toBe(0);
  const lines = stderr.trim().split("\n");
  const said = lines.filter((line) => !line.endsWith("…"));
  expect(said, stderr).toHaveLength(1);
  expect(stdout + stderr).not.toMatch(/\n\s+at /);
  for (const part of parts) expect(said[0]).toContain(part);
}

/** What a checkout runs: a service for each folder, and the gateway. */
const root = join(import.meta.dirname, "..", "..");
const serviceNames = readdirSync(join(root, "services"))
  .filter((name) => existsSync(join(root, "services", name, "service.ts")))
  .concat("gateway")
  .sort();

describe.concurrent("on a running platform", { timeout: 60_000 }, () => {
  const checkout = new Checkout();
  let up: Up;
  beforeAll(async () => {
    up = await checkout.up();
  }, 60_000);
  afterAll(() => checkout[Symbol.asyncDispose]());

  test("`weft token` signs in a user of the role that is asked for", async () => {
    const { stdout: token } = await checkout.run(["token", "--role", "Editor"]);
    const profile = await checkout.run(["call", "UserService/GetProfile", "--token", token.trim()]);
    expect(JSON.parse(profile.stdout)).toHaveProperty("user.email", "editor@example.com");
    const again = await checkout.run(["token", "--role", "Editor", "--json"]);
    expect(JSON.parse(again.stdout)).toMatchObject({ roles: ["Editor"] });
    const email = "nobody@example.com";
    expectOneLine(await checkout.run(["token", "--role", "Wizard", "--email", email]), "the roles are Admin");
    // Nothing was made of it.
    const made = await up.post("user", "user.v1.AuthService/Register", {
      email,
      password: "correct horse 9",
      display_name: "Nobody",
    });
    expect(made.status).toBe(200);
    const refused = await checkout.run(["token"], { WEFT_ENV: "production" });
    expectOneLine(refused, "development");
  });

  test("`weft call` shows an error with its code and reason, and JSON for programs", async () => {
    const refused = await checkout.run(["call", "user.v1.UserService/ListUsers"]);
    expectOneLine(refused, "unauthenticated", "credentials_required");
    const json = await checkout.run(["call", "user.v1.UserService/ListUsers", "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ code: "unauthenticated" });
    expect(json.code).toBe(1);
  });

  test("`weft call --as operator` may do what no user may yet", async () => {
    const verdict = await checkout.run(["call", "VerifyAudit", "--as", "operator"]);
    expect(JSON.parse(verdict.stdout)).toHaveProperty("intact", true);
  });

  test("`weft call` says what is wrong with a request and which methods there are", async () => {
    expectOneLine(
      await checkout.run(["call", "Login", "{nonsense"]),
      "the request is no user.v1.LoginRequest",
    );
    expectOneLine(await checkout.run(["call", "user.v1.AuthService/Logni"]), "no method is named");
    expectOneLine(await checkout.run(["call", "ListT"]), "no method is named");
    expect((await checkout.run(["call", "--list"])).stdout).toContain("user.v1.TeamService/ListTeams\n");
  });

  test("`weft logs` shows a line a call, without what is personal", async () => {
    const secret = `pass-${Date.now()}`;
    await up.post("user", "user.v1.AuthService/Login", { email: "nobody@example.com", password: secret });
    const { stdout } = await checkout.run(["logs", "user", "-n", "50"]);
    expect(stdout).toContain("user.v1.AuthService/Login unauthenticated");
    expect(stdout).not.toContain("nobody@example.com");
    expect(stdout).not.toContain(secret);
    expectOneLine(await checkout.run(["logs", "nothing"]), "there is no log of nothing");
  });

  test("`weft logs --level` also tells how much lines of PostgreSQL and NATS matter", async () => {
    const { stdout } = await checkout.run(["logs", "postgres", "nats", "-n", "500"]);
    expect(stdout).toMatch(/ info {2}postgres {2}database system is ready to accept connections/);
    expect(stdout).toMatch(/ info {2}nats {6}Server is ready/);
    const important = await checkout.run(["logs", "postgres", "nats", "-n", "500", "--level", "fatal"]);
    // At the first start there are no databases yet.
    const others = important.stdout.split("\n").filter((line) => !/ fatal postgres {2}database /.test(line));
    expect(others).toEqual([""]);
  });

  test("`weft up` with a name that no service has says so, though a platform runs", async () => {
    const { stderr } = await checkout.run(["up", "user", "userr"]);
    expect(stderr).toContain("no service is named userr");
    expect(stderr).toContain("there are ");
  });

  test("`weft status --json` is for programs", async () => {
    const { stdout, code } = await checkout.run(["status", "--json"]);
    expect(code).toBe(0);
    const { services } = JSON.parse(stdout) as { services: { name: string; health: string; grpc: string }[] };
    expect(services.map(({ name, health, grpc }) => [name, health, grpc])).toEqual(
      serviceNames.map((name) => [name, "healthy", "SERVING"]),
    );
  });

  test("`weft reset` refuses while the data is in use", async () => {
    expectOneLine(await checkout.run(["reset", "--yes"]), "runs on this data", "weft down");
  });
});

describe.concurrent("a start that cannot be", { timeout: 60_000 }, () => {
  test.each([
    ["a level that does not exist", { LOG_LEVEL: "loud" }, ["LOG_LEVEL", "must be one of", "loud"]],
    ["a port that is no number", { USER_PORT: "abc" }, ["USER_PORT", "must be a whole number"]],
    ["a database address that is none", { DATABASE_URL: "nonsense" }, ["DATABASE_URL", "must be a URL"]],
    ["a broker address that is none", { NATS_URL: "nonsense" }, ["NATS_URL", "must be a URL"]],
    [
      "a database that is not there",
      { DATABASE_URL: "postgres://weft:hidden@127.0.0.1:1", STARTUP_WAIT: "1s" },
      ["PostgreSQL at 127.0.0.1:1", "DATABASE_URL"],
    ],
    [
      "a broker that is not there",
      { NATS_URL: "nats://127.0.0.1:1", STARTUP_WAIT: "1s" },
      ["NATS at 127.0.0.1:1"],
    ],
    ["a master key of the wrong length", { SECURITY_MASTER_KEY: "c2hvcnQ=" }, ["SECURITY_MASTER_KEY"]],
    ["a trust file that is not there", { SECURITY_TRUST_FILE: "/nowhere.json" }, ["/nowhere.json"]],
  ] as [string, Record<string, string>, string[]][])("says so in one line: %s", async (_name, env, parts) => {
    await using checkout = new Checkout();
    const result = await checkout.run(["up"], env);
    expectOneLine(result, ...parts);
    expect(result.stderr).not.toContain("hidden");
    expect(result.stderr).not.toContain("c2hvcnQ=");
  });

  test("says so in one line: a port that is demanded and taken", async () => {
    await using checkout = new Checkout();
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, "127.0.0.1", resolve));
    const { port } = squatter.address() as { port: number };
    try {
      expectOneLine(await checkout.run(["up"], { USER_PORT: `${port}` }), `port 127.0.0.1:${port} is taken`);
    } finally {
      squatter.close();
    }
  });

  test("says so in one line: data that is damaged, and deletes none of it", async () => {
    await using checkout = await Checkout.prepared();
    await (await checkout.up(["user"])).end("SIGTERM");
    rmSync(join(checkout.dir, "data", "postgres", "PG_VERSION"));
    expectOneLine(await checkout.run(["up"]), "weft reset", "nothing was deleted");
    expect(existsSync(join(checkout.dir, "data", "postgres", "base"))).toBe(true);
    expect((await checkout.run(["reset", "--yes"])).code).toBe(0);
    await (await checkout.up(["user"])).end("SIGTERM");
  });

  test("needs `--yes` to delete when nobody is there to ask", async () => {
    await using checkout = new Checkout();
    mkdirSync(join(checkout.dir, "data"));
    writeFileSync(join(checkout.dir, "data", "something"), "");
    expectOneLine(await checkout.run(["reset"]), "--yes");
    expect(existsSync(join(checkout.dir, "data", "something"))).toBe(true);
  });
});

describe.concurrent("the command itself", { timeout: 60_000 }, () => {
  test("has help for all of it and for each part", async () => {
    await using checkout = new Checkout();
    const help = await checkout.run(["help"]);
    const names = Array.from(help.stdout.matchAll(/^ {2}([a-z]+) {2,}/gm), ([, name = ""]) => name);
    expect(names).toEqual(Object.keys(commands));
    // One as a process; of the others the words alone.
    const one = await checkout.run(["up", "--help"]);
    expect([one.code, one.stderr]).toEqual([0, ""]);
    expect(one.stdout).toContain("Usage: weft up [service…] [--isolate]");
    for (const name of names) {
      const command = await commands[name]!();
      expect([command.name, command.summary], name).toEqual([name, expect.stringMatching(/./)]);
    }
  });

  test("answers words it does not know with exit code 2", async () => {
    await using checkout = new Checkout();
    const unknown = [["nope"], ["up", "--bogus"], ["logs", "-n", "x"], ["new", "thing"], ["serve"]];
    for (const result of await Promise.all(unknown.map((words) => checkout.run(words)))) {
      expectOneLine(result, "--help");
      expect(result.code).toBe(2);
    }
  });
});
