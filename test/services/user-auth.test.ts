import { Code } from "@connectrpc/connect";
import { decodeJwt } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Outcome } from "#gen/security/v1/audit_pb.js";
import { createUserWorld, failure, goodPassword, personOf, type UserWorld } from "./user-world.ts";

let world: UserWorld;
beforeAll(async () => {
  world = await createUserWorld();
});
afterEach(() => world.faults.clear());
afterAll(() => world[Symbol.asyncDispose]());

const registration = (email: string) => ({ email, password: goodPassword, displayName: "Kofi" });

describe("registering", () => {
  test("makes an account and signs it in, as Customer unless told otherwise", async () => {
    const person = await world.register("new@example.com");
    expect(person.user.roles).toEqual(["Customer"]);
    expect(person.session.refreshToken).not.toBe("");
    expect(await world.holder(person)).toBe(person.id);
    const { session } = await world
      .auth()
      .register({ ...registration("seller@example.com"), role: "Seller" });
    expect(session?.roles).toEqual(["Seller"]);
    const [entry] = await world.audited("user.register", `user/${person.id}`);
    expect(entry).toMatchObject({ service: "user", outcome: Outcome.ALLOWED });
  });

  test("keeps the address as typed, and takes it once however it is typed", async () => {
    const { user } = await world.users(await world.register("Ama.Mensah@Example.com")).getProfile({});
    expect(user?.email).toBe("Ama.Mensah@Example.com");
    const error = await failure(world.auth().register(registration("ama.mensah@EXAMPLE.com")));
    expect(error).toMatchObject({ reason: "email_taken", code: Code.AlreadyExists });
    expect(error.message).toMatch(/sign in, or register with another address/);
  });

  test("twenty at once with one address make one account", async () => {
    const tries = Array.from({ length: 20 }, (_, i) =>
      world
        .auth({ address: `192.0.2.${i}` })
        .register(registration(i % 2 ? "race@example.com" : "RACE@example.com")),
    );
    const results = await Promise.allSettled(tries);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const result of results) {
      if (result.status === "rejected")
        expect(await failure(Promise.reject(result.reason))).toMatchObject({ reason: "email_taken" });
    }
    const rows = await world.sql`select 1 from accounts where email_key = 'race@example.com'`;
    expect(rows).toHaveLength(1);
  });

  test("refuses a weak password and says how to mend it, without making an account", async () => {
    for (const password of ["Password123", "weak.one@example.com", "weak.one"]) {
      const error = await failure(
        world.auth().register({ ...registration("weak.one@example.com"), password }),
      );
      expect(error).toMatchObject({ reason: "weak_password", code: Code.InvalidArgument });
      expect(error.message).toMatch(/choose one of at least 8 characters/);
    }
    expect((await failure(world.login("weak.one@example.com", { address: "192.0.2.99" }))).reason).toBe(
      "bad_credentials",
    );
  });

  test("refuses a blank name and unknown roles", async () => {
    expect(
      (await failure(world.auth().register({ ...registration("n@example.com"), displayName: "  " }))).reason,
    ).toBe("blank_name");
    expect(
      (await failure(world.auth().register({ ...registration("n@example.com"), role: "Admin" }))).reason,
    ).toBe("contract_violation");
  });

  test.each(["assignInitialRole", "openSession"])(
    "when %s fails at security, the account stays, and the next login completes it",
    async (method) => {
      const email = `half.${method}@example.com`;
      world.faults.add(method);
      const error = await failure(world.auth().register({ ...registration(email), role: "Seller" }));
      expect(error).toMatchObject({ reason: "registered_not_signed_in", code: Code.Unavailable });
      expect((await failure(world.login(email))).reason).toBe("sign_in_unavailable");
      world.faults.clear();
      expect((await failure(world.auth().register(registration(email)))).reason).toBe("email_taken");
      expect((await world.login(email)).user.roles).toEqual(["Seller"]);
      expect(await world.sql`select pending_role from accounts where email = ${email}`).toEqual([
        { pending_role: null },
      ]);
    },
  );

  test("stores nothing but an argon2id hash of the password", async () => {
    await world.register("hashed@example.com");
    const [row] = await world.sql`select * from accounts where email_key = 'hashed@example.com'`;
    expect(row?.password_hash).toMatch(/^\$argon2id\$/);
    expect(JSON.stringify(row)).not.toContain(goodPassword);
  });
});

describe("refreshing", () => {
  test("gives new tokens with the roles of today", async () => {
    const person = await world.register("fresh@example.com");
    const { session } = await world.auth().refresh({ refreshToken: person.session.refreshToken });
    expect(session).toMatchObject({
      userId: person.id,
      sessionId: person.session.sessionId,
      roles: ["Customer"],
    });
    expect(session?.permissions).toEqual(decodeJwt(session?.accessToken ?? "").permissions);
    expect(session?.refreshToken).not.toBe(person.session.refreshToken);
    expect(await world.holder(personOf(person.email, session!))).toBe(person.id);
  });

  test("an invented and a spent token get the same answer", async () => {
    const person = await world.register("spent@example.com");
    await world.auth().refresh({ refreshToken: person.session.refreshToken });
    const spent = await failure(world.auth().refresh({ refreshToken: person.session.refreshToken }));
    const invented = await failure(world.auth().refresh({ refreshToken: "x".repeat(43) }));
    expect(invented).toMatchObject({ reason: "bad_refresh_token", code: Code.Unauthenticated });
    expect(spent.rawMessage).toBe(invented.rawMessage);
    expect(spent.reason).toBe(invented.reason);
  });
});

describe("logging out", () => {
  test("ends this session and leaves the others", async () => {
    const here = await world.register("out@example.com");
    const there = await world.login("out@example.com");
    await world.authAs(here).logout({});
    expect(await world.holder(here)).toBe("bad_token");
    expect(await world.holder(there)).toBe(there.id);
    expect((await failure(world.auth().refresh({ refreshToken: here.session.refreshToken }))).reason).toBe(
      "bad_refresh_token",
    );
  });

  test("everywhere ends all of them", async () => {
    const here = await world.register("everywhere@example.com");
    const there = await world.login("everywhere@example.com");
    await world.authAs(here).logout({ everywhere: true });
    expect(await world.holder(here)).toBe("bad_token");
    expect(await world.holder(there)).toBe("bad_token");
    const [entry] = await world.audited("user.logout", `user/${here.id}`);
    expect(entry?.details).toEqual({ everywhere: "true" });
  });

  test("is for those who are signed in", async () => {
    expect((await failure(world.auth().logout({}))).code).toBe(Code.Unauthenticated);
  });
});

describe("validating", () => {
  test("says who holds the token and what he may do", async () => {
    const person = await world.register("valid@example.com");
    const { userId, email, roles, permissions } = await world
      .auth({ bearer: person.session.accessToken })
      .validate({});
    expect({ userId, email, roles, permissions }).toEqual({
      userId: person.id,
      email: "valid@example.com",
      roles: person.user.roles,
      permissions: person.user.permissions,
    });
  });

  test("a call without a token is told to bring one", async () => {
    const error = await failure(world.auth().validate({}));
    expect(error).toMatchObject({ reason: "token_required", code: Code.Unauthenticated });
  });

  test("all bad tokens get the same answer", async () => {
    const answers = await Promise.all(
      ["nonsense", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.", "x".repeat(9000)].map((bearer) =>
        failure(world.auth({ bearer }).validate({})),
      ),
    );
    expect(
      new Set(answers.map(({ reason, rawMessage, code }) => `${reason} ${code} ${rawMessage}`)).size,
    ).toBe(1);
    expect(answers[0]).toMatchObject({ reason: "bad_token", code: Code.Unauthenticated });
  });
});
