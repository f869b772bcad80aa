import { Code } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Outcome } from "#gen/security/v1/audit_pb.js";
import { createHashing } from "../../services/user/hashing.ts";
import { createUserWorld, eventually, failure, goodPassword, type UserWorld } from "./user-world.ts";

let world: UserWorld;
beforeAll(async () => {
  world = await createUserWorld();
});
afterEach(() => world.faults.clear());
afterAll(() => world[Symbol.asyncDispose]());

describe("logging in", () => {
  test("opens a session of its own, however the address is typed, and notes when", async () => {
    const first = await world.register("often@example.com");
    world.clock.pass(60_000);
    const second = await world.login(" OFTEN@example.com ");
    expect(second.id).toBe(first.id);
    expect(second.session.sessionId).not.toBe(first.session.sessionId);
    const { user } = await world.users(second).getProfile({});
    expect(Number(user?.lastLoginAt?.seconds)).toBe(Math.floor(world.clock.nowMs / 1000));
  });

  test("an unknown address and a wrong password get the same answer, letter for letter", async () => {
    await world.register("known@example.com");
    const wrong = await failure(world.auth().login({ email: "known@example.com", password: "not this one" }));
    const unknown = await failure(
      world.auth().login({ email: "unknown@example.com", password: "not this one" }),
    );
    const nonsense = await failure(world.auth().login({ email: "\0 %_\\", password: "not this one" }));
    expect(wrong).toMatchObject({ reason: "bad_credentials", code: Code.Unauthenticated });
    for (const other of [unknown, nonsense]) {
      expect({ code: other.code, text: other.rawMessage }).toEqual({
        code: wrong.code,
        text: wrong.rawMessage,
      });
      expect(other.details.map((it) => ("value" in it ? it.value : it))).toEqual(
        wrong.details.map((it) => ("value" in it ? it.value : it)),
      );
    }
  });

  test("an unknown address costs a hash like a known one", async () => {
    let verified = 0;
    const hashing = createHashing({ memoryKiB: 64, passes: 1, lanes: 1 });
    const counting = {
      ...hashing,
      verify: (stored: string, password: string) => {
        verified++;
        return hashing.verify(stored, password);
      },
    };
    await using counted = await createUserWorld({ hashing: counting });
    await failure(counted.login("nobody@example.com"));
    expect(verified).toBe(1);
  });

  test("is reported and audited, good or bad, without naming the address", async () => {
    const { id } = await world.register("watched@example.com");
    world.asked.length = 0;
    await failure(
      world.auth({ userAgent: "curl" }).login({ email: "watched@example.com", password: "not this one" }),
    );
    await world.login("watched@example.com");
    const entries = await world.audited("user.login", `user/${id}`, 2);
    expect(entries).toHaveLength(2);
    expect(new Set(entries.map(({ outcome }) => outcome))).toEqual(
      new Set([Outcome.DENIED, Outcome.ALLOWED]),
    );
    const reports = world.asked
      .filter(({ method }) => method === "reportSignIn")
      .map(({ request }) => request);
    expect(reports).toMatchObject([
      { userId: id, succeeded: false, client: { userAgent: "curl", address: "127.0.0.1" } },
      { userId: id, succeeded: true },
    ]);
    expect(JSON.stringify(world.asked.filter(({ method }) => method !== "openSession"))).not.toContain(
      "watched@",
    );
  });

  test("does not fail when reporting fails", async () => {
    await world.register("unreported@example.com");
    world.faults.add("reportSignIn").add("recordAudit");
    await world.login("unreported@example.com");
    expect(await world.metrics()).toMatch(/user_reports_lost_total\{.*report="sign_in",why="failed"/);
  });

  test("makes a new hash when the stored one has the parameters of another day", async () => {
    const person = await world.register("oldhash@example.com");
    const old = await createHashing({ memoryKiB: 32, passes: 1, lanes: 1 }).hash(goodPassword);
    await world.sql`update accounts set password_hash = ${old} where id = ${person.id}`;
    await world.login("oldhash@example.com");
    const [row] = await world.sql`select password_hash from accounts where id = ${person.id}`;
    expect(row?.password_hash).toMatch(/m=64,/);
    await world.login("oldhash@example.com");
  });

  test("counts how logins end", async () => {
    const metrics = await world.metrics();
    expect(metrics).toMatch(/user_auth_total\{action="login",outcome="ok",service="user"\} [1-9]/);
    expect(metrics).toMatch(
      /user_auth_total\{action="login",outcome="bad_credentials",service="user"\} [1-9]/,
    );
    expect(metrics).toMatch(/user_password_hashes_waiting\{service="user"\} 0/);
  });
});

describe("a flood of logins", () => {
  test("waits in a bounded queue; what does not fit is turned away and counts as no failure", async () => {
    const release = Promise.withResolvers<void>();
    let running = 0;
    let most = 0;
    let flooded = false;
    const hashing = createHashing({ memoryKiB: 64, passes: 1, lanes: 1 });
    const slow = {
      ...hashing,
      verify: async (stored: string, password: string) => {
        most = Math.max(most, ++running);
        if (flooded) await release.promise;
        running--;
        return hashing.verify(stored, password);
      },
    };
    await using flood = await createUserWorld({
      hashing: slow,
      env: { USER_HASH_CONCURRENCY: "2", USER_HASH_QUEUE: "5" },
    });
    const person = await flood.somebody("flooded");
    flooded = true;
    const tries = Array.from({ length: 40 }, (_, i) =>
      failure(flood.login(`nobody${i}@example.com`, { address: `192.0.2.${i}` })),
    );
    const settled = tries.map((it) => it.then(({ reason }) => reason));
    const busy: string[] = [];
    for (const it of settled) void it.then((reason) => busy.push(reason));
    await eventually(() => busy.length).toBe(33);
    expect(await flood.metrics()).toMatch(/user_password_hashes_waiting\{service="user"\} 5/);
    // A report is shared by those who ask within a second.
    const health = async () => (await flood.health()).dependencies["password hashing"]?.status;
    await eventually(health).toBe("unhealthy");
    const turnedAway = await failure(flood.login(person.email));
    expect(turnedAway).toMatchObject({ reason: "busy", code: Code.ResourceExhausted });
    release.resolve();
    expect((await Promise.all(settled)).sort()).toEqual([
      ...Array(7).fill("bad_credentials"),
      ...Array(33).fill("busy"),
    ]);
    expect(most).toBe(2);
    const counted =
      await flood.sql`select sum(failures)::int as failures from sign_in_failures where scope = 'account'`;
    expect(counted).toEqual([{ failures: 7 }]);
    await flood.login(person.email);
  });
});
