import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { admin, createUserWorld, failure, type UserWorld } from "./user-world.ts";

let world: UserWorld;
beforeAll(async () => {
  world = await createUserWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const nobodysId = "019aa0b6-7a5c-7000-8000-000000000000";

describe("one's own profile", () => {
  test("starts with what was told at registration", async () => {
    const person = await world.somebody("starter");
    const { user } = await world.users(person).getProfile({});
    expect(user).toMatchObject({
      id: person.id,
      email: person.email,
      profile: { displayName: "Ama Serwaa", bio: "" },
    });
    expect(user?.createdAt).toEqual(user?.updatedAt);
  });

  test("changes in the fields of the mask and in no other", async () => {
    const person = await world.somebody("masked");
    const avatarFileId = nobodysId;
    const all = {
      displayName: "Ama O.",
      bio: "Baker",
      phone: "+233201234567",
      locale: "en-GH",
      timeZone: "Africa/Accra",
      avatarFileId,
    };
    await world.users(person).updateProfile({ profile: all });
    world.clock.pass(1000);
    const { user } = await world.users(person).updateProfile({
      profile: { bio: "Painter", phone: "not looked at" },
      updateMask: { paths: ["bio"] },
    });
    expect(user?.profile).toMatchObject({ ...all, bio: "Painter" });
    expect(user?.updatedAt?.seconds).not.toBe(user?.createdAt?.seconds);
    expect((await world.users(person).getProfile({})).user?.profile).toEqual(user?.profile);
    await world.audited("user.profile_update", `user/${person.id}`, 2);
  });

  test("is replaced whole without a mask", async () => {
    const person = await world.somebody("whole");
    await world.users(person).updateProfile({ profile: { displayName: "One", bio: "Long story" } });
    const { user } = await world.users(person).updateProfile({ profile: { displayName: "Two" } });
    expect(user?.profile).toMatchObject({ displayName: "Two", bio: "" });
  });

  test("refuses unknown fields, bad values and time zones that are none", async () => {
    const users = world.users(await world.somebody("refused"));
    const update = (profile: object, ...paths: string[]) =>
      failure(users.updateProfile({ profile, updateMask: { paths } }));
    const unknown = await update({ bio: "x" }, "bio", "password_hash");
    expect(unknown).toMatchObject({ reason: "unknown_field", code: Code.InvalidArgument });
    expect(unknown.message).toMatch(/display_name, bio, phone, locale, time_zone, avatar_file_id/);
    expect(await update({ phone: "123" }, "phone")).toMatchObject({
      reason: "contract_violation",
      code: Code.InvalidArgument,
    });
    expect((await update({ timeZone: "Mars/Olympus" }, "time_zone")).reason).toBe("bad_time_zone");
    expect((await update({ bio: "a\0b" }, "bio")).reason).toBe("bad_text");
  });

  test("is put on the record with each field once, however often the mask names it", async () => {
    const person = await world.somebody("again");
    const update = (times: number) =>
      world.users(person).updateProfile({
        profile: { bio: "Baker", displayName: "Ama" },
        updateMask: { paths: Array(times).fill(["bio", "display_name"]).flat() },
      });
    await update(8);
    const [entry] = await world.audited("user.profile_update", `user/${person.id}`);
    expect(entry?.details).toEqual({ fields: "bio,display_name" });
    expect(await failure(update(400))).toMatchObject({
      reason: "too_many_paths",
      code: Code.InvalidArgument,
    });
  });

  test("leaves all its changes on the record when they come in a flood", async () => {
    const person = await world.somebody("flooding");
    const users = world.users(person);
    const flood = Array.from({ length: 40 }, (_, i) =>
      users.updateProfile({ profile: { bio: `${i}` }, updateMask: { paths: ["bio"] } }),
    );
    await Promise.all(flood);
    await world.audited("user.profile_update", `user/${person.id}`, 40);
    expect(await world.metrics()).not.toMatch(/user_reports_lost_total\{/);
  });

  test("of two changes at once to different fields, both hold", async () => {
    const person = await world.somebody("both");
    const users = world.users(person);
    await Promise.all([
      users.updateProfile({ profile: { bio: "Baker" }, updateMask: { paths: ["bio"] } }),
      users.updateProfile({ profile: { locale: "fr" }, updateMask: { paths: ["locale"] } }),
    ]);
    expect((await users.getProfile({})).user?.profile).toMatchObject({ bio: "Baker", locale: "fr" });
  });

  test("is not for those who are not signed in", async () => {
    expect((await failure(world.users().getProfile({}))).code).toBe(Code.Unauthenticated);
  });
});

describe("other people", () => {
  test("are seen whole with user:read, and by their public part", async () => {
    const person = await world.somebody("seen");
    const reader = { ...admin, permissions: ["user:read"] };
    expect((await world.users(reader).getUser({ id: person.id })).user?.email).toBe(person.email);
    const { profile } = await world.users(reader).getUserProfile({ id: person.id });
    expect(profile).toMatchObject({ id: person.id, displayName: "Ama Serwaa" });
    expect(profile).not.toHaveProperty("email");
    expect((await failure(world.users(reader).getUser({ id: nobodysId }))).reason).toBe("user_not_found");
    expect((await failure(world.users({ ...admin, permissions: [] }).getUser({ id: person.id }))).code).toBe(
      Code.PermissionDenied,
    );
  });
});

describe("listing users", () => {
  const orders = ["", "created_at", "created_at desc", "email", "email desc"];
  let list: UserWorld;
  const insert = async (
    n: number,
    email = `list${String((n * 7919) % 1000).padStart(4, "0")}@example.com`,
  ) => {
    const id = `019aa0b6-7a5c-7000-8000-${String(n).padStart(12, "0")}`;
    // Ten at a time are as old as each other: then the id must decide.
    const at = new Date(Date.UTC(2026, 0, 1) + Math.floor(n / 10) * 1000);
    await list.sql`
      insert into accounts (id, email, email_key, password_hash, display_name, search_text, created_at, updated_at)
      values (${id}, ${email}, ${email}, 'x', ${`Person ${n}`}, ${`${email}\nperson ${n}`}, ${at}, ${at})`;
    return email;
  };
  beforeAll(async () => {
    list = await createUserWorld();
    for (let n = 0; n < 53; n++) await insert(n);
  });
  afterAll(() => list[Symbol.asyncDispose]());

  const pages = async (
    orderBy: string,
    pageSize: number,
    between: () => Promise<unknown> = async () => {},
  ) => {
    const found: string[] = [];
    let pageToken = "";
    do {
      const page = await list.users(admin).listUsers({ orderBy, pageSize, pageToken, query: "list" });
      expect(page.users.length).toBeLessThanOrEqual(pageSize);
      found.push(...page.users.map(({ email }) => email));
      pageToken = page.nextPageToken;
      await between();
    } while (pageToken);
    return found;
  };

  test.each(orders)("ordered by '%s', every page size gives each user once and in order", async (orderBy) => {
    const all = await pages(orderBy, 500);
    expect(new Set(all).size).toBe(53);
    if (orderBy === "email") expect(all).toEqual([...all].sort());
    if (orderBy === "email desc") expect(all).toEqual([...all].sort().reverse());
    for (const size of [1, 2, 7, 10, 52, 53, 54]) expect(await pages(orderBy, size)).toEqual(all);
  });

  test("newest come first unless told otherwise", async () => {
    const oldestFirst = await pages("created_at", 500);
    expect(await pages("", 500)).toEqual(oldestFirst.reverse());
  });

  test.each(orders)(
    "ordered by '%s', nobody is left out or given twice while others arrive",
    async (orderBy) => {
      const before = await pages(orderBy, 500);
      let n = 1000 + orders.indexOf(orderBy) * 100;
      const added: string[] = [];
      const during = await pages(orderBy, 9, async () => {
        const place = n % 2 ? "0000" : "9999";
        added.push(await insert(n, `list${place}-${n++}@example.com`));
      });
      expect(new Set(during).size).toBe(during.length);
      expect(during.filter((email) => !added.includes(email))).toEqual(before);
      await list.sql`delete from accounts where email = any(${added})`;
    },
  );

  test("finds parts of addresses and names in any case, and takes wildcards for what they are", async () => {
    const find = async (query: string) => (await list.users(admin).listUsers({ query })).users.length;
    await insert(900, "under_score@example.com");
    await insert(901, "underXscore@example.com".toLowerCase());
    expect(await find("UNDER_SCORE")).toBe(1);
    expect(await find("person 900")).toBe(1);
    await list.register("ewe@example.com");
    const { id } = await list.login("ewe@example.com");
    await list
      .users({ ...admin, id })
      .updateProfile({ profile: { displayName: "Élodie ÅSLUND" }, updateMask: { paths: ["display_name"] } });
    expect(await find("éLODIE åsl")).toBe(1);
    expect(await find("%")).toBe(0);
    expect(await find("\\")).toBe(0);
    expect(await find("'; drop table accounts; --")).toBe(0);
  });

  test("refuses tokens that it did not give out for this order", async () => {
    const { nextPageToken } = await list.users(admin).listUsers({ pageSize: 1 });
    const refused = async (pageToken: string, orderBy = "") =>
      (await failure(list.users(admin).listUsers({ pageSize: 1, pageToken, orderBy }))).reason;
    const token = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString("base64url");
    expect(await refused(nextPageToken, "email")).toBe("bad_page_token");
    expect(await refused("nonsense")).toBe("bad_page_token");
    expect(await refused(token("created_at desc", "yesterday", nobodysId))).toBe("bad_page_token");
    expect(await refused(token("created_at desc", "2026-01-01T00:00:00Z", "1 or 1=1"))).toBe(
      "bad_page_token",
    );
    expect(await refused(token("email", "a\0", nobodysId), "email")).toBe("bad_page_token");
  });

  test("is for admins and services that may read users", async () => {
    const person = await world.somebody("curious");
    expect((await failure(world.users(person).listUsers({}))).code).toBe(Code.PermissionDenied);
  });
});
