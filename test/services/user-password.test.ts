import { Code } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createHashing } from "../../services/user/hashing.ts";
import { createUserWorld, failure, goodPassword, personOf, type UserWorld } from "./user-world.ts";

let world: UserWorld;
beforeAll(async () => {
  world = await createUserWorld();
});
afterEach(() => world.faults.clear());
afterAll(() => world[Symbol.asyncDispose]());

describe("changing the password", () => {
  const newPassword = "eight small round stones";

  test("ends every session, opens a new one, and the new password counts from then on", async () => {
    const here = await world.register("changer@example.com");
    const there = await world.login("changer@example.com");
    const { session } = await world
      .authAs(here)
      .changePassword({ currentPassword: goodPassword, newPassword });
    expect(await world.holder(here)).toBe("bad_token");
    expect(await world.holder(there)).toBe("bad_token");
    expect(await world.holder(personOf(here.email, session!))).toBe(here.id);
    expect((await failure(world.login("changer@example.com"))).reason).toBe("bad_credentials");
    await world.auth().login({ email: "changer@example.com", password: newPassword });
    await world.audited("user.password_change", `user/${here.id}`);
  });

  test("needs the current password, and guessing it is slowed like at the login", async () => {
    const person = await world.register("guessed@example.com", { address: "192.0.2.50" });
    const guess = () =>
      failure(
        world
          .authAs(person, { address: "203.0.113.50" })
          .changePassword({ currentPassword: "a guess", newPassword }),
      );
    for (let i = 0; i < 5; i++)
      expect(await guess()).toMatchObject({ reason: "wrong_password", code: Code.PermissionDenied });
    expect((await guess()).reason).toBe("throttled");
    expect((await failure(world.login(person.email, { address: "203.0.113.51" }))).reason).toBe("throttled");
  });

  test("holds the new password to the policy", async () => {
    const person = await world.register("policy@example.com");
    const change = (password: string) =>
      failure(world.authAs(person).changePassword({ currentPassword: goodPassword, newPassword: password }));
    expect((await change("Password1!")).reason).toBe("weak_password");
    expect((await change(goodPassword)).reason).toBe("same_password");
  });

  test("of two at once, one holds", async () => {
    const person = await world.register("twice@example.com");
    const passwords = ["nine green wool coats", "five quiet old boats"];
    const results = await Promise.allSettled(
      passwords.map((it) =>
        world.authAs(person).changePassword({ currentPassword: goodPassword, newPassword: it }),
      ),
    );
    const works = await Promise.all(
      passwords.map((password) =>
        world
          .auth()
          .login({ email: person.email, password })
          .then(
            () => true,
            () => false,
          ),
      ),
    );
    expect(works.filter(Boolean)).toHaveLength(1);
    expect(results.map(({ status }) => status === "fulfilled").filter(Boolean).length).toBeLessThanOrEqual(1);
  });

  test("when security is away, the change holds and the sessions end later all the same", async () => {
    const person = await world.register("away@example.com");
    world.faults.add("closeUserSessions");
    const error = await failure(
      world.authAs(person).changePassword({ currentPassword: goodPassword, newPassword }),
    );
    expect(error).toMatchObject({ reason: "changed_not_signed_in", code: Code.Unavailable });
    expect(await world.holder(person)).toBe(person.id);
    world.faults.clear();
    const { session } = await world.auth().login({ email: person.email, password: newPassword });
    expect(await world.holder(person)).toBe("bad_token");
    expect(await world.holder(personOf(person.email, session!))).toBe(person.id);
  });

  test("a login that checked the old password and ends after the change stays outside", async () => {
    const hashing = createHashing({ memoryKiB: 64, passes: 1, lanes: 1 });
    const checked = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    let hold = false;
    const slow = {
      ...hashing,
      verify: async (stored: string, password: string) => {
        const fits = await hashing.verify(stored, password);
        if (!hold) return fits;
        hold = false;
        checked.resolve();
        await goOn.promise;
        return fits;
      },
    };
    await using race = await createUserWorld({ hashing: slow, env: { USER_HASH_CONCURRENCY: "2" } });
    const person = await race.somebody();
    hold = true;
    const late = race.login(person.email);
    await checked.promise;
    await race.authAs(person).changePassword({ currentPassword: goodPassword, newPassword });
    goOn.resolve();
    expect((await failure(late)).reason).toBe("bad_credentials");
    expect(race.asked.filter(({ method }) => method === "closeUserSessions").length).toBeGreaterThanOrEqual(
      2,
    );
  });
});
