import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { headers } from "@nats-io/transport-node";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { WorkService } from "#gen/mesh/v1/jobs_pb.js";
import { DeliverEmailSchema } from "#gen/notification/v1/jobs_pb.js";
import { QueueService } from "#gen/queue/v1/queue_pb.js";
import { ScheduleService } from "#gen/queue/v1/schedules_pb.js";
import { SecurityAlertSchema } from "#gen/security/v1/events_pb.js";
import { UserCreatedSchema, UserDeletedSchema } from "#gen/user/v1/events_pb.js";
import type { Hosted } from "#mesh";
import { hostService, newId, on } from "#mesh";
import { openDeadLetters } from "#mesh/dead-letters/dead-letters.ts";
import type { TestInstance, TestWorld } from "#mesh/testing/bus.ts";
import { openWorld } from "#mesh/testing/bus.ts";
import { databaseUrl, dropDatabases } from "#mesh/testing/databases.ts";
import { testStores } from "#mesh/testing/stores.ts";
import { carryOut } from "../../cli/command-line.ts";
import { ensureKeys, operator, readMasterKey, trustFile } from "../../cli/keys.ts";
import { asOperator } from "../../cli/operator.ts";
import { openWorkspace } from "../../cli/workspace.ts";
import queueService from "../../services/queue/service.ts";
import securityService from "../../services/security/service.ts";

const main = join(import.meta.dirname, "..", "..", "cli", "main.ts");
const until = (holds: () => void | Promise<void>) => vi.waitFor(holds, { timeout: 15_000, interval: 20 });

interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

/** Carries a command out in this process, which takes no start of another one. */
async function weft(...words: string[]): Promise<Result> {
  const said = { stdout: "", stderr: "" };
  const listen = (name: "stdout" | "stderr") =>
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      said[name] += text.toString();
      return true;
    });
  const spies = [listen("stdout"), listen("stderr")];
  try {
    const [name = "", ...rest] = words;
    return { code: await carryOut(name, rest), ...said };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

async function weftJson<T>(...words: string[]): Promise<T> {
  const { code, stdout, stderr } = await weft(...words, "--json");
  expect(code, stderr + stdout).toBe(0);
  return JSON.parse(stdout) as T;
}

const linesOf = (text: string) => text.split("\n").filter(Boolean);
const objectsOf = (text: string) => linesOf(text).map((line) => JSON.parse(line) as TailLine);

interface TailLine {
  time: string;
  subject: string;
  key: string;
  source: string;
  id: string;
  stream: string;
  for?: string;
  message?: Record<string, unknown>;
  problem?: string;
}

interface Listing {
  deadLetters: { id: string; kind: string; attempts: number; error: string }[];
  next: string | null;
  note?: string;
}

const dir = mkdtempSync(join(tmpdir(), "weft-cli-events-"));
let world: TestWorld;
let user: TestInstance;
let security: TestInstance;

beforeEach(() => {
  vi.stubEnv("NATS_URL", testStores().natsUrl);
  vi.stubEnv("WEFT_DIR", dir);
  vi.stubEnv("NO_COLOR", "1");
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Two services that publish, for each test of its own. */
function useWorld(): void {
  beforeEach(async () => {
    world = openWorld();
    vi.stubEnv("WEFT_NAMESPACE", world.namespace);
    [user, security] = await Promise.all([
      world.instance("user", { publishes: [UserCreatedSchema, UserDeletedSchema] }),
      world.instance("security", { publishes: [SecurityAlertSchema] }),
    ]);
  });
  afterEach(() => world[Symbol.asyncDispose]());
}

/** Published, and in its stream. */
async function publishUser(userId = newId()): Promise<string> {
  await user.bus.events.publish(UserCreatedSchema, { userId });
  await untilRelayed(user);
  return userId;
}

async function publishAlert(occurrences = 1): Promise<void> {
  const alert = { threatId: newId(), description: "seen at 10.0.0.1", occurrences };
  await security.bus.events.publish(SecurityAlertSchema, alert);
  await untilRelayed(security);
}

const untilRelayed = ({ db }: TestInstance) =>
  until(async () => {
    const [row] = await db.sql`select count(*)::int as waiting from weft_outbox where published_at is null`;
    expect(row?.waiting).toBe(0);
  });

describe("weft events tail", () => {
  useWorld();

  test("shows what is kept in all streams in the order of its time, without what is personal", async () => {
    const first = await publishUser();
    await publishAlert();
    const last = await publishUser();
    const { stdout, code } = await weft("events", "tail", "--no-follow", "--json");
    const lines = objectsOf(stdout);
    expect(code).toBe(0);
    expect(lines.map(({ subject, source, stream }) => [subject, source, stream])).toEqual([
      ["user.created", "user", "events_user"],
      ["security.alert", "security", "events_security"],
      ["user.created", "user", "events_user"],
    ]);
    expect(lines[0]).toMatchObject({ key: first, message: { userId: first } });
    expect(lines[1]?.message).toMatchObject({ description: "[redacted]", occurrences: 1 });
    expect(lines[2]).toMatchObject({ key: last });

    const people = await weft("events", "tail", "--no-follow");
    expect(linesOf(people.stdout)).toHaveLength(3);
    expect(people.stdout).toContain(`{"userId":"${first}"}`);
    expect(people.stdout).not.toContain("10.0.0.1");
  });

  test("shows the last ones that match, however far back they are", async () => {
    await publishAlert(1);
    const deleted = newId();
    await user.bus.events.publish(UserDeletedSchema, { userId: deleted });
    for (let n = 0; n < 40; n++) await user.bus.events.publish(UserCreatedSchema, { userId: newId() });
    const last = await publishUser();
    const tail = async (...words: string[]) =>
      objectsOf((await weft("events", "tail", ...words, "--no-follow", "--json")).stdout);
    expect(await tail()).toHaveLength(10);
    expect((await tail("-n", "3")).at(-1)).toMatchObject({ key: last });
    expect(await tail("user.deleted", "-n", "5")).toMatchObject([{ key: deleted }]);
    expect((await tail("*.alert")).map(({ subject }) => subject)).toEqual(["security.alert"]);
    expect(await tail("user.>", "-n", "100")).toHaveLength(42);
    expect(await tail("-n", "0")).toEqual([]);
    expect(await weft("events", "tail", "-n", "0", "--no-follow")).toMatchObject({ code: 0, stderr: "" });
  });

  test("leaves nothing open that would hold its process", async () => {
    await publishUser();
    await publishAlert();
    const code = `
      const { carryOut } = await import(${JSON.stringify(join(dirname(main), "command-line.ts"))});
      await carryOut("events", ["tail", "user.*", "-n", "1", "--no-follow"]);
      await new Promise(setImmediate);
      console.error(process.getActiveResourcesInfo().filter((it) => it === "Timeout").join());`;
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [
      "--input-type=module",
      "-e",
      code,
    ]);
    expect(linesOf(stdout)).toHaveLength(1);
    expect(stderr.trim()).toBe("");
  });

  test("begins at a time", async () => {
    await publishUser();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const since = new Date().toISOString();
    const later = [await publishUser(), await publishUser()];
    const { stdout } = await weft("events", "tail", "--from", since, "--no-follow", "--json");
    expect(objectsOf(stdout).map(({ key }) => key)).toEqual(later);
    const all = await weft("events", "tail", "--from", "10m", "--no-follow", "--json");
    expect(objectsOf(all.stdout)).toHaveLength(3);
    const none = await weft("events", "tail", "--from", new Date().toISOString(), "--no-follow");
    expect(none.stderr).toMatch(/^No events of any kind are kept since \d{4}-\S+Z\.$/m);
  });

  test("says that there is nothing, and what is wrong with its words", async () => {
    const nothing = await weft("events", "tail", "nothing.*", "--no-follow");
    expect(nothing).toMatchObject({ code: 0, stdout: "" });
    expect(nothing.stderr).toContain("No events of nothing.* are kept");
    for (const words of [["tail", "a b"], ["tail", "--from", "soon"], ["tail", "-n", "x"], ["tale"], []]) {
      const result = await weft("events", ...words);
      expect(result.code, words.join(" ")).toBe(2);
      expect(result.stderr).toContain("weft events --help");
    }
  });

  test("tells a type that nobody here knows, and shows no byte of it nor any control character", async () => {
    await publishUser();
    const head = headers();
    head.set("ce-type", "nobody.v1.Knows");
    head.set("ce-subject", "%1B]0;evil%07");
    user.nats.connection.publish(user.nats.subject("events.user.created"), "hidden secret", {
      headers: head,
    });
    await until(async () => {
      const { stdout } = await weft("events", "tail", "--no-follow");
      expect(stdout).toContain("13 bytes of a type that is not known here");
      expect(stdout).not.toContain("secret");
      expect(stdout).not.toContain("\u001b");
      expect(stdout).toContain("\\u001b]0;evil");
    });
  });

  test("follows all streams, also one that is new, until it is stopped; consumers notice nothing", async () => {
    const seen: string[] = [];
    security.bus.consume([on(UserCreatedSchema, ({ userId }) => void seen.push(userId))]);
    const before = await publishUser();
    await until(() => expect(seen).toEqual([before]));

    const child = spawn(process.execPath, [main, "events", "tail", "--json"], { env: process.env });
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
    });
    const exited = new Promise((resolve) => child.once("exit", resolve));
    try {
      await until(() => expect(objectsOf(out)).toMatchObject([{ key: before }]));
      const after = await publishUser();
      await publishAlert(7);
      await until(() => {
        const lines = objectsOf(out);
        expect(lines.map(({ subject }) => subject)).toEqual([
          "user.created",
          "user.created",
          "security.alert",
        ]);
        expect(lines[1]).toMatchObject({ key: after });
        expect(lines[2]).toMatchObject({ message: { occurrences: 7 } });
      });
      await until(() => expect(seen).toEqual([before, after]));
      child.kill("SIGINT");
      expect(await exited).toBe(0);
    } finally {
      child.kill("SIGKILL");
    }
  });

  test("ends quietly when its reader has enough, as every command does", async () => {
    for (let n = 0; n < 50; n++) await user.bus.events.publish(UserCreatedSchema, { userId: newId() });
    await publishUser();
    const piped = (line: string) =>
      new Promise<Result>((resolve) => {
        const env = { ...process.env, NODE: process.execPath, MAIN: main };
        const options = ["-c", `set -o pipefail; "$NODE" "$MAIN" ${line}`];
        execFile("bash", options, { env }, (error, stdout, stderr) =>
          resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
        );
      });
    const tail = await piped("events tail -n 50 --no-follow | head -1");
    expect([linesOf(tail.stdout).length, tail.stderr, tail.code]).toEqual([1, "", 0]);
    // Gone before a word is said.
    expect(await piped("help | true")).toEqual({ code: 0, stdout: "", stderr: "" });
    // One that follows finds out with the next event, and ends by itself.
    let over = false;
    const following = piped("events tail -n 1 | head -1").finally(() => {
      over = true;
    });
    while (!over) await publishUser();
    expect(await following).toMatchObject({ code: 0, stderr: "" });
  });
});

describe("weft dlq", () => {
  useWorld();

  /** Alerts that could not be handled, and what was handled after all. */
  async function failAlerts(count: number) {
    const handled: string[] = [];
    let broken = true;
    user.bus.consume([
      on(
        SecurityAlertSchema,
        ({ description, occurrences }) => {
          if (broken) throw new Error(`cannot take it\nmore of it`);
          handled.push(`${description} ${occurrences}`);
        },
        { attempts: 1, name: "watch" },
      ),
    ]);
    for (let n = 1; n <= count; n++) await publishAlert(n);
    const letters = openDeadLetters(user.nats);
    await until(async () => expect(await letters.count("user")).toBe(count));
    return {
      handled,
      letters,
      mend: () => {
        broken = false;
      },
    };
  }

  test("lists, page by page, what failed for good, and says that jobs are missing", async () => {
    expect(await weft("dlq", "ls")).toMatchObject({ code: 0, stdout: "No dead letters.\n" });
    await failAlerts(3);
    const { stdout, stderr } = await weft("dlq");
    expect(stdout).toMatch(/^ {2}id +kind +failed +attempts +error$/m);
    expect(stdout.match(/user\.watch\.[\w-]{36} +event .*cannot take it$/gm)).toHaveLength(3);
    expect(stderr).toContain("jobs that failed are not among them: no queue service runs");

    const first = await weftJson<Listing>("dlq", "ls", "-n", "2");
    expect(first.deadLetters).toHaveLength(2);
    const rest = await weftJson<Listing>("dlq", "ls", "-n", "2", "--page", String(first.next));
    expect(rest).toMatchObject({ next: null, note: expect.stringContaining("jobs that failed") });
    const ids = [...first.deadLetters, ...rest.deadLetters].map(({ id }) => id);
    expect(new Set(ids).size).toBe(3);

    const none = await weftJson<Listing>("dlq", "ls", "--service", "other");
    expect(none.deadLetters).toEqual([]);
    expect((await weftJson<Listing>("dlq", "ls", "--consumer", "watch")).deadLetters).toHaveLength(3);
    expect((await weft("dlq", "ls", "--page", "nonsense")).code).toBe(2);
  });

  test("shows all there is of one, without what is personal", async () => {
    await failAlerts(1);
    const { deadLetters } = await weftJson<Listing>("dlq", "ls");
    const id = deadLetters[0]!.id;
    expect(await weftJson("dlq", "show", id)).toMatchObject({
      id,
      kind: "event",
      service: "user",
      consumer: "watch",
      subject: "security.alert",
      type: "security.v1.SecurityAlert",
      attempts: 1,
      error: "cannot take it\nmore of it",
      stack: expect.stringContaining("events.test.ts"),
      correlationId: expect.stringMatching(/./),
      payload: { description: "[redacted]", occurrences: 1 },
    });
    const { stdout } = await weft("dlq", "show", id);
    for (const part of ["first failed", "cannot take it", "    at ", '"occurrences": 1'])
      expect(stdout).toContain(part);
    expect(stdout).not.toContain("10.0.0.1");
    const missing = await weft("dlq", "show", `user.watch.${newId()}`);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain("see `weft dlq ls`");
  });

  test("replays one to its consumer, edited, and what was hidden is as it was", async () => {
    const { handled, mend } = await failAlerts(1);
    const { deadLetters } = await weftJson<Listing>("dlq", "ls");
    const id = deadLetters[0]!.id;
    const { payload } = await weftJson<{ payload: object }>("dlq", "show", id);
    const refused = await weft("dlq", "replay", id, "--data", '{"occurrences":"many"}');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("SecurityAlert") });
    expect((await weft("dlq", "replay", id, "--data", "{")).code).toBe(1);
    expect((await weft("dlq", "replay", id, id, "--data", "{}")).code).toBe(2);

    mend();
    const edited = JSON.stringify({ ...payload, occurrences: 42 });
    expect(await weft("dlq", "replay", id, "--data", edited)).toMatchObject({ code: 0 });
    await until(() => expect(handled).toEqual(["seen at 10.0.0.1 42"]));
    expect((await weftJson<Listing>("dlq", "ls")).deadLetters).toEqual([]);
    const tail = await weft("events", "tail", "--no-follow", "--json");
    expect(objectsOf(tail.stdout).at(-1)).toMatchObject({ for: "user.watch" });
  });

  test("replays all, tells of one that is not there, and does the others", async () => {
    const { handled, mend } = await failAlerts(3);
    mend();
    const { deadLetters } = await weftJson<Listing>("dlq", "ls");
    const gone = `user.watch.${newId()}`;
    const some = await weft("dlq", "replay", gone, deadLetters[0]!.id);
    expect(some.code).toBe(1);
    expect(some.stdout).toContain("1 replayed, 1 not");
    expect(some.stderr.split(gone)).toHaveLength(2);
    await weftJson("dlq", "replay", "--all", "--service", "user");
    await until(() => expect(handled).toHaveLength(3));
    expect((await weft("dlq", "replay", "--all")).stdout).toContain("No dead letters to replay.");
  });

  test("drops one at once, and many only when that is said twice", async () => {
    const { letters } = await failAlerts(3);
    const { deadLetters } = await weftJson<Listing>("dlq", "ls");
    expect((await weft("dlq", "drop", deadLetters[0]!.id)).code).toBe(0);
    const refused = await weft("dlq", "drop", "--all");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("--yes");
    expect(await letters.count("user")).toBe(2);
    expect((await weft("dlq", "drop", "--all", "--yes")).code).toBe(0);
    expect(await letters.count("user")).toBe(0);
    for (const words of [
      ["drop"],
      ["drop", "--all", "x.y.z"],
      ["replay", "x", "--service", "user"],
      ["mend"],
    ]) {
      expect((await weft("dlq", ...words)).code, words.join(" ")).toBe(2);
    }
  });
});

describe("weft jobs, weft queues and weft schedules", () => {
  const urls = { security: databaseUrl("security"), queue: databaseUrl("queue") };
  const hosted: Hosted[] = [];
  const namespace = newId().slice(-12);
  let endpoints = "";

  beforeAll(async () => {
    const workspace = openWorkspace({ WEFT_DIR: dir });
    await ensureKeys(workspace.keys, [{ name: "security", scopes: [] }, operator]);
    const env = {
      WEFT_ENV: "test",
      LOG_LEVEL: "silent",
      NATS_URL: testStores().natsUrl,
      WEFT_NAMESPACE: namespace,
      WEFT_KEYS_DIR: workspace.keys,
      SECURITY_TRUST_FILE: trustFile(workspace.keys),
      SECURITY_MASTER_KEY: await readMasterKey(workspace.keys),
      SECURITY_DATABASE_URL: urls.security,
      QUEUE_DATABASE_URL: urls.queue,
      SECURITY_PORT: "0",
      QUEUE_PORT: "0",
    };
    hosted.push(await hostService(securityService, { env }));
    hosted.push(await hostService(queueService, { env }));
    endpoints = hosted.map(({ name, port }) => `${name}=http://localhost:${port}`).join(",");
  });
  afterAll(async () => {
    for (const service of hosted.reverse()) await service.stop();
    await dropDatabases(Object.values(urls));
  });
  beforeEach(() => {
    vi.stubEnv("WEFT_ENDPOINTS", endpoints);
    vi.stubEnv("WEFT_NAMESPACE", namespace);
  });

  const workspace = () => openWorkspace();
  const queue = "notification_delivery";
  const type = DeliverEmailSchema.typeName;

  async function createJob(): Promise<string> {
    const client = await asOperator(QueueService, workspace());
    const { job } = await client.createJob({ type, payload: { notificationId: newId() } });
    return job!.id;
  }

  /** A job that failed for good. */
  async function createDeadJob(): Promise<string> {
    const id = await createJob();
    const work = await asOperator(WorkService, workspace());
    const { jobs } = await work.claim({ worker: "w", rooms: [{ type, places: 100 }] });
    await work.settle({
      worker: "w",
      jobs: jobs.map(({ id, attempt }) => ({
        held: { id, attempt },
        outcome: { case: "failed", value: { error: "no such mailbox", stack: "at mail", terminal: true } },
      })),
    });
    return id;
  }

  const statusOf = async (id: string) => (await weftJson<{ status: string }>("jobs", "show", id)).status;

  test("jobs are listed, shown, cancelled and retried", async () => {
    const [one, two] = [await createJob(), await createJob()];
    const { stdout } = await weft("jobs", "ls", "--queue", queue);
    expect(stdout.indexOf(two)).toBeLessThan(stdout.indexOf(one));
    expect(stdout).toMatch(new RegExp(`${one} +${type} +${queue} +waiting +0/8`));
    expect((await weft("jobs", "ls", "-n", "1")).stdout).toMatch(/more: weft jobs ls --limit 1 --page \S+$/m);
    expect((await weft("jobs", "ls", "--status", "running")).stdout).toBe("No such jobs.\n");
    expect((await weft("jobs", "ls", "--status", "JOB_STATUS_RUNNING")).stdout).toBe("No such jobs.\n");
    expect((await weft("jobs", "ls", "--status", "lost")).code).toBe(2);
    for (const part of ["show", "retry", "cancel"]) {
      const { code, stderr } = await weft("jobs", part, "abc");
      expect([code, stderr], part).toEqual([1, expect.stringContaining("`weft jobs ls` shows ids")]);
    }
    expect((await weft("jobs", "show", one)).stdout).toMatch(/"notificationId": "[\w-]{36}"/);

    expect((await weft("jobs", "cancel", one, two)).stdout).toContain("2 cancelled.");
    expect(await statusOf(one)).toBe("JOB_STATUS_CANCELLED");
    expect(await weft("jobs", "cancel", newId())).toMatchObject({ code: 1 });
    expect(await weftJson("jobs", "retry", one)).toEqual({ retried: [one], failed: [] });
    expect(await statusOf(one)).toBe("JOB_STATUS_WAITING");
    await weft("jobs", "cancel", one);
  });

  test("a job that failed for good is a dead letter, to be shown, replayed corrected, and dropped", async () => {
    const id = await createDeadJob();
    const letter = `job.${id}`;
    const { deadLetters } = await weftJson<Listing>("dlq", "ls", "--consumer", queue);
    expect(deadLetters).toMatchObject([{ id: letter, kind: "job", error: "no such mailbox" }]);
    const { stdout } = await weft("dlq", "show", letter);
    for (const part of ["no such mailbox", "at mail", "notificationId"]) expect(stdout).toContain(part);

    expect((await weft("dlq", "show", id)).stdout).toBe(stdout);
    expect((await weft("jobs", "show", id)).stdout).toContain(`weft dlq show ${letter}`);
    const dead = await weft("jobs", "ls", "--status", "dead");
    expect(dead.stdout).toMatch(/ note\n.*error: no such mailbox\n\n.*weft dlq/);

    const corrected = newId();
    const data = JSON.stringify({ notificationId: corrected });
    expect(await weftJson("dlq", "replay", id, "--data", data)).toMatchObject({ replayed: [letter] });
    expect((await weft("jobs", "show", id)).stdout).toContain(corrected);
    const other = await createDeadJob();
    expect((await weftJson<Listing>("dlq", "ls")).deadLetters).toHaveLength(2);
    expect(await weftJson("dlq", "drop", other)).toMatchObject({ dropped: [`job.${other}`] });
    await weftJson("dlq", "drop", "--all", "--yes");
    expect((await weftJson<Listing>("dlq", "ls")).deadLetters).toEqual([]);
  });

  test("queues are listed, paused, resumed and limited", async () => {
    const id = await createJob();
    expect((await weft("queues")).stdout).toMatch(/^ {4}notification_delivery +1 +0 +0 /m);
    expect((await weft("queues", "pause", queue)).stdout).toContain("paused");
    await weft("queues", "resume", queue);
    expect(await weftJson("queues", "limit", queue, "3")).toMatchObject({ paused: false, concurrency: 3 });
    expect((await weft("queues", "limit", queue, "many")).code).toBe(2);
    expect((await weft("queues", "limit", queue, "-1")).stderr).toContain("-1: a number must be 0 or more");
    expect(await weft("queues", "pause", "nothing")).toMatchObject({ code: 1 });
    await weft("jobs", "cancel", id);
  });

  test("schedules are listed, shown, paused, resumed and dropped, by name or id", async () => {
    expect((await weft("schedules")).stdout).toBe("No schedules.\n");
    const client = await asOperator(ScheduleService, workspace());
    const timing = { cron: "0 6 * * *", timeZone: "Africa/Nairobi" };
    const payload = { notificationId: newId() };
    const make = async (name: string) =>
      (await client.createSchedule({ name, ...timing, type, payload })).schedule!;
    const nightly = await make("nightly mail");
    const weekly = await make("weekly mail");

    const { stdout } = await weft("schedules", "ls");
    expect(stdout).toMatch(/^ {2}name +cron +zone +type +next +last +state$/m);
    expect(stdout).toMatch(
      new RegExp(`^ {2}nightly mail +0 6 \\* \\* \\* +Africa/Nairobi +${type} +in .* never$`, "m"),
    );
    const first = await weft("schedules", "ls", "-n", "1");
    expect(first.stdout).toMatch(/more: weft schedules ls --limit 1 --page \S+$/m);
    expect(await weftJson("schedules", "show", nightly.id)).toMatchObject({ name: "nightly mail" });
    expect((await weft("schedules", "show", "nightly mail")).stdout).toContain(nightly.id);
    expect((await weft("schedules", "show", "hourly")).stderr).toContain("`weft schedules` shows");

    expect((await weft("schedules", "pause", "nightly mail")).stdout).toMatch(/ never +never +paused$/m);
    expect(await weftJson("schedules", "resume", nightly.id)).toMatchObject({ paused: false });

    const refused = await weft("schedules", "drop", "weekly mail");
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("--yes")]);
    const dropped = await weft("schedules", "drop", weekly.id, "nothing", "--yes");
    expect([dropped.code, dropped.stdout]).toEqual([1, expect.stringContaining("1 dropped, 1 not")]);
    await weftJson("schedules", "drop", "nightly mail", "--yes");
    expect(await weftJson("schedules")).toEqual({ schedules: [], nextPageToken: "" });
  });

  test("a service that does not answer is named, with where it should be", async () => {
    vi.stubEnv("WEFT_ENDPOINTS", `${endpoints.split(",")[0]},queue=http://127.0.0.1:1`);
    const { code, stderr } = await weft("queues");
    expect(code).toBe(1);
    expect(stderr).toContain("the queue service does not answer at http://127.0.0.1:1");
    expect(linesOf(stderr)).toHaveLength(1);
  });
});
