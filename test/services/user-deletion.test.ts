import { Code } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { PermissionService } from "#gen/security/v1/permissions_pb.js";
import { createHashing } from "../../services/user/hashing.ts";
import { admin, createUserWorld, eventually, failure, type Person, type UserWorld } from "./user-world.ts";

let world: UserWorld;
beforeAll(async () => {
  world = await createUserWorld();
});
afterEach(() => world.faults.clear());
afterAll(() => world[Symbol.asyncDispose]());

const remove = (who: Person | typeof admin, id: string) => world.users(who).deleteUser({ id });
const rolesOf = async (userId: string) => {
  const as = { caller: { service: { name: "operator", scopes: [] } } };
  return (await world.host.client(PermissionService, as).getUserPermissions({ userId })).roles;
};
const asked = (method: string, userId: string) =>
  world.asked.filter((it) => it.method === method && (it.request as { userId?: string }).userId === userId)
    .length;

describe("deleting an account", () => {
  test("ends the sessions, forgets the roles, and leaves nothing but the id", async () => {
    const person = await world.somebody("leaver");
    const elsewhere = await world.login(person.email);
    await failure(world.auth().login({ email: person.email, password: "not this one" }));
    await remove(person, person.id.toUpperCase());
    expect(await world.holder(person)).toBe("bad_token");
    expect(await world.holder(elsewhere)).toBe("bad_token");
    expect((await failure(world.auth().refresh({ refreshToken: person.session.refreshToken }))).reason).toBe(
      "bad_refresh_token",
    );
    expect(asked("forgetUser", person.id)).toBe(1);
    expect(await rolesOf(person.id)).not.toContain("Seller");
    for (const table of ["accounts", "known_places", "closures", "team_members"]) {
      expect(JSON.stringify(await world.sql`select * from ${world.sql(table)}`)).not.toContain(person.id);
    }
    expect(await world.sql`select id from deleted_accounts where id = ${person.id}`).toHaveLength(1);
    expect((await failure(world.users(admin).getUser({ id: person.id }))).reason).toBe("user_not_found");
    const [entry] = await world.audited("user.delete", `user/${person.id}`);
    expect(entry?.actor).toContain(person.id);
    // Asked for by the service alone: the user's own session has ended by then.
    const [forgotten] = await world.audited("role.forget", `user/${person.id}`);
    expect(forgotten?.actor).toBe("service:user");
  });

  test("makes the address unknown to the login and free to be registered, with no failures counted", async () => {
    const person = await world.somebody("freed");
    for (let i = 0; i < 6; i++)
      await failure(
        world.auth({ address: `100.70.0.${i}` }).login({ email: person.email, password: "not this one" }),
      );
    await remove(person, person.id);
    expect((await failure(world.login(person.email))).reason).toBe("bad_credentials");
    const again = await world.register(person.email);
    expect(again.id).not.toBe(person.id);
  });

  test("is for oneself and for admins; others are refused alike whether the user exists or not", async () => {
    const person = await world.somebody("target");
    const other = await world.somebody("other");
    const known = await failure(remove(other, person.id));
    const unknown = await failure(remove(other, "019aa0b6-7a5c-7000-8000-000000000000"));
    expect(known).toMatchObject({ reason: "not_yours", code: Code.PermissionDenied });
    expect(unknown.message).toBe(known.message);
    await remove(admin, person.id);
    expect(await world.holder(person)).toBe("bad_token");
    expect((await failure(remove(admin, "019aa0b6-7a5c-7000-8000-000000000000"))).reason).toBe(
      "user_not_found",
    );
  });

  test("twice is the same as once, and ten at once are one", async () => {
    const person = await world.somebody("repeated");
    await Promise.all(Array.from({ length: 10 }, () => remove(person, person.id)));
    await remove(admin, person.id.toUpperCase());
    expect(asked("forgetUser", person.id)).toBe(1);
  });

  test("is refused while others are in his teams, which it names", async () => {
    const owner = await world.somebody("owner");
    const member = await world.somebody("member");
    const { team: shared } = await world.teams(owner).createTeam({ name: "Bakers" });
    const { team: alone } = await world.teams(owner).createTeam({ name: "Only me" });
    await world.teams(owner).addTeamMember({ teamId: shared!.id, userId: member.id, role: "Viewer" });
    const error = await failure(remove(owner, owner.id));
    expect(error).toMatchObject({ reason: "owns_teams", code: Code.FailedPrecondition });
    expect(error.message).toContain(`"Bakers" (${shared!.id})`);
    expect(error.message).not.toContain("Only me");
    expect(await world.holder(owner)).toBe(owner.id);

    await remove(member, member.id);
    expect((await world.teams(owner).getTeam({ id: shared!.id })).members).toHaveLength(1);
    await remove(owner, owner.id);
    expect(await world.sql`select 1 from teams where id in (${alone!.id}, ${shared!.id})`).toHaveLength(0);
  });

  test.each(["closeUserSessions", "forgetUser", "recordAudit"])(
    "that %s interrupts is answered as unfinished and completed by trying again",
    async (method) => {
      const person = await world.somebody("unfinished");
      world.faults.add(method);
      const error = await failure(remove(person, person.id));
      expect(error).toMatchObject({ reason: "deletion_unfinished", code: Code.Unavailable });
      expect((await failure(world.login(person.email))).reason).toBe("bad_credentials");
      world.faults.clear();
      await remove(person, person.id);
      expect(await world.holder(person)).toBe("bad_token");
      expect(await world.sql`select 1 from closures where user_id = ${person.id}`).toHaveLength(0);
    },
  );

  test("that a crash interrupted is completed by the next start", async () => {
    const person = await world.somebody("crashed");
    world.faults.add("closeUserSessions");
    await failure(remove(person, person.id));
    expect(await world.sql`select 1 from closures where user_id = ${person.id}`).toHaveLength(1);
    world.faults.clear();
    await world.startAgain();
    await eventually(() => world.holder(person)).toBe("bad_token");
    await eventually(() => asked("forgetUser", person.id)).toBe(1);
    await eventually(() => world.sql`select 1 from closures`).toHaveLength(0);
  });

  test("that stays unfinished is completed by itself before long", async () => {
    await using short = await createUserWorld({ env: { USER_SWEEP_INTERVAL: "30ms" } });
    const person = await short.somebody();
    short.faults.add("forgetUser");
    await failure(short.users(person).deleteUser({ id: person.id }));
    await eventually(() => short.metrics()).toMatch(/user_closures_unfinished\{service="user"\} 1/);
    short.faults.clear();
    await eventually(() => short.sql`select 1 from closures`).toHaveLength(0);
    expect(await short.holder(person)).toBe("bad_token");
    await eventually(() => short.metrics()).toMatch(/user_closures_unfinished\{service="user"\} 0/);
  });

  test("ends a session that was being opened meanwhile", async () => {
    const hashing = createHashing({ memoryKiB: 64, passes: 1, lanes: 1 });
    const checked = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    let hold = false;
    const slow = {
      ...hashing,
      verify: async (stored: string, password: string) => {
        if (hold) {
          checked.resolve();
          await goOn.promise;
        }
        return hashing.verify(stored, password);
      },
    };
    await using race = await createUserWorld({ hashing: slow });
    const person = await race.somebody();
    hold = true;
    const late = race.login(person.email);
    await checked.promise;
    await race.users(person).deleteUser({ id: person.id });
    goOn.resolve();
    expect((await failure(late)).reason).toBe("bad_credentials");
    const methods = race.asked.map(({ method }) => method).filter((it) => /Session|forget/.test(it));
    expect(methods.slice(-3)).toEqual(["openSession", "closeUserSessions", "forgetUser"]);
    expect(await race.sql`select 1 from closures`).toHaveLength(0);
  });
});
