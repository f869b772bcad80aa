import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TeamService } from "#gen/user/v1/team_pb.js";
import { createUserWorld, failure, type Person, type UserWorld } from "./user-world.ts";

let world: UserWorld;
let owner: Person;
let member: Person;
let stranger: Person;
beforeAll(async () => {
  world = await createUserWorld({
    env: { USER_TEAM_MEMBERS: "4", USER_TEAMS_OWNED: "40", USER_TEAM_MEMBERSHIPS: "41" },
  });
  [owner, member, stranger] = [
    await world.somebody("owner"),
    await world.somebody("member"),
    await world.somebody("stranger"),
  ];
});
afterAll(() => world[Symbol.asyncDispose]());

const nobodysId = "019aa0b6-7a5c-7000-8000-000000000000";

async function teamOf(who: Person, ...others: [Person, string][]): Promise<string> {
  const { team } = await world.teams(who).createTeam({ name: "Bakers" });
  for (const [person, role] of others)
    await world.teams(who).addTeamMember({ teamId: team!.id, userId: person.id, role });
  return team!.id;
}
const discard = (id: string) => world.teams(owner).deleteTeam({ id });

describe("a team", () => {
  test("is made with its owner as Manager", async () => {
    const { team } = await world.teams(owner).createTeam({ name: "  Bakers " });
    expect(team).toMatchObject({ name: "Bakers", ownerId: owner.id, memberCount: 1 });
    const { members } = await world.teams(owner).getTeam({ id: team!.id });
    expect(members).toMatchObject([{ userId: owner.id, role: "Manager" }]);
    await world.audited("team.create", `team/${team!.id}`);
    expect((await failure(world.teams(owner).createTeam({ name: "  " }))).reason).toBe("blank_name");
    await discard(team!.id);
  });

  test("is seen by its members; to strangers it does not exist", async () => {
    const id = await teamOf(owner, [member, "Viewer"]);
    expect((await world.teams(member).getTeam({ id })).team?.memberCount).toBe(2);
    const hidden = await failure(world.teams(stranger).getTeam({ id }));
    const missing = await failure(world.teams(stranger).getTeam({ id: nobodysId }));
    expect(hidden).toMatchObject({ reason: "team_not_found", code: Code.NotFound });
    expect(hidden.message).toBe(missing.message);
    await discard(id);
  });

  test("is deleted by its owner only", async () => {
    const id = await teamOf(owner, [member, "Manager"]);
    expect((await failure(world.teams(stranger).deleteTeam({ id }))).reason).toBe("team_not_found");
    expect((await failure(world.teams(member).deleteTeam({ id }))).reason).toBe("not_team_owner");
    await discard(id);
    expect((await failure(world.teams(owner).getTeam({ id }))).reason).toBe("team_not_found");
    await world.audited("team.delete", `team/${id}`);
  });
});

describe("members", () => {
  test("are added by the owner, and adding again changes the role or nothing", async () => {
    const id = await teamOf(owner);
    const add = (role: string) => world.teams(owner).addTeamMember({ teamId: id, userId: member.id, role });
    const first = await add("Viewer");
    world.clock.pass(5000);
    expect(await add("Viewer")).toEqual(first);
    const changed = await add("Editor");
    expect(changed.member).toEqual({ ...first.member, role: "Editor" });
    expect((await world.teams(owner).getTeam({ id })).team?.memberCount).toBe(2);
    const entries = await world.audited("team.member_set", `team/${id}`, 2);
    expect(entries.map(({ details }) => details.role).sort()).toEqual(["Editor", "Viewer"]);
    await discard(id);
  });

  test("must be users; only the owner adds them; strangers see no team", async () => {
    const id = await teamOf(owner, [member, "Manager"]);
    const add = (who: Person, userId: string) =>
      failure(world.teams(who).addTeamMember({ teamId: id, userId, role: "Viewer" }));
    expect(await add(owner, nobodysId)).toMatchObject({ reason: "user_not_found", code: Code.NotFound });
    expect(await add(member, stranger.id)).toMatchObject({
      reason: "not_team_owner",
      code: Code.PermissionDenied,
    });
    expect((await add(stranger, stranger.id)).reason).toBe("team_not_found");
    expect((await add(owner, owner.id)).reason).toBe("owner_is_manager");
    await discard(id);
  });

  test("leave or are removed by the owner, by nobody else, and twice is once", async () => {
    const id = await teamOf(owner, [member, "Manager"], [stranger, "Viewer"]);
    const drop = (who: Person, whom: Person) =>
      world.teams(who).removeTeamMember({ teamId: id, userId: whom.id });
    expect((await failure(drop(member, stranger))).reason).toBe("not_team_owner");
    await drop(owner, stranger);
    await drop(owner, stranger);
    expect((await failure(drop(stranger, member))).reason).toBe("team_not_found");
    await drop(member, member);
    await drop(member, member);
    expect((await world.teams(owner).getTeam({ id })).team?.memberCount).toBe(1);
    const left = await world.audited("team.member_remove", `team/${id}`, 2);
    expect(left).toHaveLength(2);
    await discard(id);
  });

  test("the owner stays, and is told what to do instead", async () => {
    const id = await teamOf(owner);
    const error = await failure(world.teams(owner).removeTeamMember({ teamId: id, userId: owner.id }));
    expect(error).toMatchObject({ reason: "owner_stays", code: Code.FailedPrecondition });
    expect(error.message).toMatch(/delete the team instead/);
    // The same id in capitals is the same user.
    const shouted = { teamId: id.toUpperCase(), userId: owner.id.toUpperCase() };
    expect((await failure(world.teams(owner).removeTeamMember(shouted))).reason).toBe("owner_stays");
    const demoted = await failure(world.teams(owner).addTeamMember({ ...shouted, role: "Viewer" }));
    expect(demoted.reason).toBe("owner_is_manager");
    await discard(id);
  });

  test("have their role told to services, and to nobody else", async () => {
    const id = await teamOf(owner, [member, "Editor"]);
    const service = world.host.client(TeamService, {
      caller: { service: { name: "security", scopes: ["user:read"] } },
    });
    const membership = async (teamId: string, userId: string) => {
      const { member: isMember, role, owner: isOwner } = await service.getMembership({ teamId, userId });
      return { isMember, role, isOwner };
    };
    expect(await membership(id, owner.id)).toEqual({ isMember: true, role: "Manager", isOwner: true });
    expect(await membership(id, member.id)).toEqual({ isMember: true, role: "Editor", isOwner: false });
    expect(await membership(id, stranger.id)).toEqual({ isMember: false, role: "", isOwner: false });
    expect(await membership(nobodysId, owner.id)).toEqual({ isMember: false, role: "", isOwner: false });
    expect((await failure(world.teams(owner).getMembership({ teamId: id, userId: owner.id }))).code).toBe(
      Code.PermissionDenied,
    );
    await discard(id);
  });
});

describe("listing one's teams", () => {
  test("gives each once, newest first, in any page size", async () => {
    const person = await world.somebody("lister");
    const made: string[] = [];
    for (let i = 0; i < 12; i++) {
      world.clock.pass(1);
      made.unshift(await teamOf(person));
    }
    for (const pageSize of [1, 5, 11, 12, 13]) {
      const found: string[] = [];
      let pageToken = "";
      do {
        const page = await world.teams(person).listTeams({ pageSize, pageToken });
        found.push(...page.teams.map(({ id }) => id));
        pageToken = page.nextPageToken;
      } while (pageToken);
      expect(found).toEqual(made);
    }
    const token = Buffer.from(JSON.stringify(["x"])).toString("base64url");
    expect((await failure(world.teams(person).listTeams({ pageToken: token }))).reason).toBe(
      "bad_page_token",
    );
  });

  test("also gives those of others that one is in", async () => {
    const person = await world.somebody("guest");
    const id = await teamOf(owner, [person, "Viewer"]);
    expect((await world.teams(person).listTeams({})).teams).toMatchObject([
      { id, ownerId: owner.id, memberCount: 2 },
    ]);
    await discard(id);
  });
});

describe("limits", () => {
  test("a team takes only so many members, also when they are added at once", async () => {
    const people = await Promise.all(Array.from({ length: 6 }, () => world.somebody("crowd")));
    const id = await teamOf(owner);
    const results = await Promise.allSettled(
      people.map(({ id: userId }) =>
        world.teams(owner).addTeamMember({ teamId: id, userId, role: "Viewer" }),
      ),
    );
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
    const error = await failure(
      world.teams(owner).addTeamMember({ teamId: id, userId: stranger.id, role: "Viewer" }),
    );
    expect(error).toMatchObject({ reason: "team_full", code: Code.FailedPrecondition });
    expect(error.message).toMatch(/4 is the most; remove one/);
    await discard(id);
  });

  test("a user owns only so many teams, also when they are made at once, and is in only so many", async () => {
    const person = await world.somebody("collector");
    const results = await Promise.allSettled(
      Array.from({ length: 45 }, () => world.teams(person).createTeam({ name: "One more" })),
    );
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(40);
    expect(await failure(world.teams(person).createTeam({ name: "Too much" }))).toMatchObject({
      reason: "too_many_teams",
      code: Code.FailedPrecondition,
    });
    const first = await teamOf(owner, [person, "Viewer"]);
    const second = await teamOf(owner);
    const error = await failure(
      world.teams(owner).addTeamMember({ teamId: second, userId: person.id, role: "Viewer" }),
    );
    expect(error).toMatchObject({ reason: "too_many_memberships", code: Code.FailedPrecondition });
    await discard(first);
    await discard(second);
  });
});
