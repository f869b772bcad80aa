import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AudienceService } from "#gen/user/v1/audience_pb.js";
import { newId } from "#mesh";
import type { UserWorld } from "./user-world.ts";
import { admin, createUserWorld, failure } from "./user-world.ts";

let world: UserWorld;
beforeAll(async () => {
  world = await createUserWorld();
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => world.sql`delete from accounts`);

const as = (name: string) =>
  world.host.client(AudienceService, { caller: { service: { name, scopes: [] } } });
const audience = () => as("broadcast");
const at = (day: string) => timestampFromMs(Date.parse(`${day}T12:00:00Z`));

interface Somebody {
  locale?: string;
  timeZone?: string;
  registered?: string;
  seen?: string;
}

async function somebody({ locale = "", timeZone = "", registered = "2031-01-01", seen }: Somebody = {}) {
  const id = newId();
  const email = `${id}@example.com`;
  const createdAt = `${registered}T12:00:00Z`;
  await world.sql`
    insert into accounts (id, email, email_key, password_hash, display_name, search_text, locale, time_zone,
      created_at, updated_at, last_login_at)
    values (${id}, ${email}, ${email}, 'x', 'Ama', 'x', ${locale}, ${timeZone}, ${createdAt}, ${createdAt},
      ${seen ? `${seen}T12:00:00Z` : null})`;
  return id;
}

const select = async (filter: object, more: object = {}) =>
  (await audience().selectUsers({ filter, ...more })).userIds;

describe("an audience", () => {
  test("is walked through page by page in the order of ids, whoever comes and goes", async () => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.push(await somebody());
    ids.sort();
    const first = await select({}, { limit: 2 });
    await world.sql`delete from accounts where id = ${ids[1]!}`;
    const second = await select({}, { limit: 2, afterId: first.at(-1)!.toUpperCase() });
    const last = await select({}, { limit: 2, afterId: second.at(-1)! });
    expect([first, second, last]).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)]);
    expect((await audience().countUsers({ filter: {} })).count).toBe(4n);
  });

  test("is looked at so many accounts a page, however few of them match", async () => {
    const ids: string[] = [];
    for (let n = 0; n < 6; n++) ids.push(await somebody({ locale: n === 4 ? "fr" : "en" }));
    ids.sort();
    const seen: object[] = [];
    let afterId = "";
    for (let isLast = false; !isLast; ) {
      const page = await audience().selectUsers({ filter: { locales: ["fr"] }, limit: 2, afterId });
      seen.push([page.userIds.length, page.lastId]);
      [isLast, afterId] = [page.isLast, page.lastId];
    }
    expect(seen.slice(0, 3)).toEqual([
      [expect.any(Number), ids[1]],
      [expect.any(Number), ids[3]],
      [expect.any(Number), ids[5]],
    ]);
    expect(seen.slice(3)).toEqual([[0, ""]]);
    const some = await audience().selectUsers({ filter: { locales: ["fr"] }, userIds: ids });
    expect(some).toMatchObject({ userIds: [expect.any(String)], lastId: ids[5], isLast: true });
  });

  test("of a language has those of its regions, however they are written", async () => {
    const [fr, ci, fy] = [
      await somebody({ locale: "fr" }),
      await somebody({ locale: "fr-CI" }),
      await somebody({ locale: "fry" }),
    ];
    await somebody();
    expect(await select({ locales: ["FR"] })).toEqual([fr, ci].sort());
    expect(await select({ locales: ["fr-ci", "fry"] })).toEqual([ci, fy].sort());
    expect((await audience().countUsers({ filter: { locales: ["fr"] } })).count).toBe(2n);
  });

  test("is of those for whom all that is set holds", async () => {
    const accra = await somebody({ timeZone: "Africa/Accra", registered: "2031-02-01", seen: "2031-05-01" });
    const lagos = await somebody({ timeZone: "Africa/Lagos", registered: "2031-03-01", seen: "2031-04-01" });
    const never = await somebody({ timeZone: "Africa/Accra", registered: "2031-03-01" });
    expect(await select({ timeZones: ["Africa/Accra"] })).toEqual([accra, never].sort());
    expect(await select({ registeredAfter: at("2031-02-15") })).toEqual([lagos, never].sort());
    expect(await select({ registeredBefore: at("2031-02-15") })).toEqual([accra]);
    expect(await select({ seenAfter: at("2031-04-15") })).toEqual([accra]);
    expect(await select({ seenBefore: at("2031-04-15") })).toEqual([lagos]);
    expect(await select({ timeZones: ["Africa/Accra"], registeredAfter: at("2031-02-15") })).toEqual([never]);
    expect(await select({ timeZones: ["nul \0"] })).toEqual([]);
  });

  test("is of some users alone when they are named, those who are gone left out", async () => {
    const [ama, kofi] = [await somebody({ locale: "en" }), await somebody()];
    await somebody();
    const userIds = [ama.toUpperCase(), kofi, newId()];
    expect(await select({}, { userIds })).toEqual([ama, kofi].sort());
    expect(await select({ locales: ["en"] }, { userIds })).toEqual([ama]);
    expect((await audience().countUsers({ filter: {}, userIds })).count).toBe(2n);
  });

  test("is for the broadcast service to ask, with what the contract takes", async () => {
    expect((await failure(as("order").selectUsers({ filter: {} }))).reason).toBe("caller_not_allowed");
    const user = world.host.client(AudienceService, { caller: { user: admin } });
    expect((await failure(user.countUsers({ filter: {} }))).reason).toBe("caller_not_allowed");
    const refused = async (request: object) => (await failure(audience().selectUsers(request))).reason;
    expect(await refused({})).toBe("contract_violation");
    expect(await refused({ filter: { locales: ["not a tag"] } })).toBe("contract_violation");
    expect(await refused({ filter: {}, limit: 1001 })).toBe("contract_violation");
    expect(await refused({ filter: {}, afterId: "x" })).toBe("contract_violation");
    const early = { seconds: -99_999_999_999n, nanos: 0 };
    expect(await refused({ filter: { seenAfter: early } })).toMatch(/bad_time|contract_violation/);
  });
});
