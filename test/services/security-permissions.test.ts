import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AuditService, Outcome } from "#gen/security/v1/audit_pb.js";
import { Basis, PermissionService } from "#gen/security/v1/permissions_pb.js";
import { TeamService } from "#gen/user/v1/team_pb.js";
import type { Caller } from "#mesh";
import { defineService, fail, handlers, newId, permits } from "#mesh";
import type { SecurityHost } from "./security-host.ts";
import { asOperator, asService, asUser, refusalOf, securityHost } from "./security-host.ts";

const [member, stranger, team, lostTeam] = [newId(), newId(), newId(), newId()];

/** Knows one team with one member. */
const users = defineService({
  name: "user",
  contracts: [TeamService],
  setup: () => {
    const none = () => {
      throw fail.unimplemented("not_here", "not part of this test");
    };
    return {
      rpc: [
        handlers(TeamService, {
          createTeam: none,
          listTeams: none,
          getTeam: none,
          deleteTeam: none,
          addTeamMember: none,
          removeTeamMember: none,
          getMembership: ({ teamId, userId }) => {
            if (teamId === lostTeam) throw fail.unavailable("away", "away");
            return teamId === team && userId === member
              ? { member: true, role: "Editor" }
              : { member: false };
          },
        }),
      ],
    };
  },
});

let it: SecurityHost;
beforeAll(async () => {
  it = await securityHost({ beside: [users] });
});
afterAll(async () => {
  await it[Symbol.asyncDispose]();
});

const as = (caller: Caller) => it.client(PermissionService, caller);
const setRoles = (userId: string, ...roles: string[]) => as(asOperator).setUserRoles({ userId, roles });
const grant = async (userId: string) => {
  const { roles, permissions } = await it.permissions.getUserPermissions({ userId });
  return { roles, permissions };
};
const check = (
  userId: string,
  permission: string,
  resource?: { type?: string; id?: string; ownerId?: string; teamId?: string },
) => as(asService("content")).checkPermission({ userId, permission, ...(resource && { resource }) });

describe("the roles there are", () => {
  test("are the platform's seven, each with permissions of the right form", async () => {
    const { roles } = await as(asService("order")).listRoles({});
    expect(roles.map(({ name }) => name)).toEqual([
      "Admin",
      "Manager",
      "Developer",
      "Editor",
      "Seller",
      "Viewer",
      "Customer",
    ]);
    for (const { description, permissions } of roles) {
      expect(description).not.toBe("");
      for (const permission of permissions) expect(permission).toMatch(/^([a-z]+|\*):([a-z]+|\*)$/);
    }
  });

  test("keep what is sensitive to those whom it concerns", async () => {
    const { roles } = await as(asService("order")).listRoles({});
    const holders = (permission: string) =>
      roles.filter((role) => permits(role.permissions, permission)).map(({ name }) => name);
    expect(holders("security:admin")).toEqual(["Admin"]);
    expect(holders("user:admin")).toEqual(["Admin"]);
    expect(holders("security:read")).toEqual(["Admin", "Developer"]);
    expect(holders("user:read")).toEqual(["Admin", "Manager", "Developer", "Editor"]);
    expect(holders("payment:refund")).toEqual(["Admin", "Manager"]);
  });
});

describe("a user's roles", () => {
  test("are those of a customer until others are given", async () => {
    expect((await grant(newId())).roles).toEqual(["Customer"]);
  });

  test("permit together what each permits", async () => {
    const userId = newId();
    const set = await setRoles(userId, "Viewer", "Seller");
    expect(set.roles).toEqual(["Seller", "Viewer"]);
    expect(set.permissions).toEqual(expect.arrayContaining(["product:write", "social:read"]));
    expect(await grant(userId)).toEqual({ roles: set.roles, permissions: set.permissions });
    expect(new Set(set.permissions).size).toBe(set.permissions.length);
  });

  test("are written the same however the id is", async () => {
    const userId = newId();
    await setRoles(userId.toUpperCase(), "Viewer");
    expect((await grant(userId)).roles).toEqual(["Viewer"]);
  });

  test("cannot be ones that do not exist; the answer names those that do", async () => {
    await expect(setRoles(newId(), "Viewer", "King")).rejects.toThrow(
      /"King" is not a role.*Admin, Manager.*Customer/,
    );
  });

  test("are changed by operators and security:admin alone, and the record says by whom", async () => {
    const [userId, admin] = [newId(), newId()];
    const request = { userId, roles: ["Admin"] };
    for (const caller of [
      asUser(userId),
      asUser(userId, ["user:admin", "security:read"]),
      asService("order"),
      {},
    ]) {
      await expect(as(caller).setUserRoles(request)).rejects.toThrow();
    }
    await as(asUser(admin, ["security:admin"])).setUserRoles({ userId, roles: ["Editor"] });
    const { entries } = await it.audit.listAudit({ resource: `user/${userId}` });
    expect(entries).toMatchObject([
      { action: "role.set", actor: `user:${admin}`, details: { before: "Customer", after: "Editor" } },
    ]);
  });
});

describe("the last Admin", () => {
  test("keeps the role until there is another, also when two give it up at once", async () => {
    await using own = await securityHost();
    const operator = own.client(PermissionService, asOperator);
    const [ada, ben] = [newId(), newId()];
    await operator.setUserRoles({ userId: ada, roles: ["Admin"] });
    expect(await refusalOf(operator.setUserRoles({ userId: ada, roles: ["Viewer"] }))).toBe("last_admin");
    await operator.setUserRoles({ userId: ada, roles: ["Admin", "Viewer"] });
    await operator.setUserRoles({ userId: ben, roles: ["Admin"] });
    const results = await Promise.allSettled(
      [ada, ben].map((userId) => operator.setUserRoles({ userId, roles: ["Viewer"] })),
    );
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });
});

describe("the role chosen at registration", () => {
  test("is Customer unless Seller is chosen", async () => {
    const [one, other] = [newId(), newId()];
    expect((await it.permissions.assignInitialRole({ userId: one })).role).toBe("Customer");
    expect((await it.permissions.assignInitialRole({ userId: other, role: "Seller" })).role).toBe("Seller");
    expect((await grant(other)).roles).toEqual(["Seller"]);
  });

  test("is none that others give", async () => {
    for (const role of ["Admin", "Manager", "Viewer", "nonsense"]) {
      expect(await refusalOf(it.permissions.assignInitialRole({ userId: newId(), role }))).toBe(
        "role_not_choosable",
      );
    }
  });

  test("changes nothing for who has roles", async () => {
    const userId = newId();
    await setRoles(userId, "Manager");
    expect((await it.permissions.assignInitialRole({ userId, role: "Seller" })).role).toBe("Manager");
    expect((await grant(userId)).roles).toEqual(["Manager"]);
  });

  test("is for the user service to give", async () => {
    await expect(as(asService("order")).assignInitialRole({ userId: newId() })).rejects.toThrow();
  });
});

test("a user who is forgotten has no roles, sessions or history left, and may be forgotten again", async () => {
  const userId = newId();
  await setRoles(userId, "Manager");
  const { tokens } = await it.tokens.openSession({ userId, email: "ada@example.com" });
  await it.threats.reportSignIn({
    userId,
    account: "hash",
    succeeded: true,
    client: { address: "192.0.2.1" },
  });
  for (let times = 0; times < 2; times++) await it.permissions.forgetUser({ userId });
  expect((await grant(userId)).roles).toEqual(["Customer"]);
  expect((await it.tokens.validateToken({ token: tokens?.accessToken ?? "" })).valid).toBe(false);
  expect(await it.sql`select 1 from sessions where user_id = ${userId}`).toHaveLength(0);
  expect(await it.sql`select 1 from sign_ins where user_id = ${userId}`).toHaveLength(0);
});

describe("may this user do this", () => {
  test("yes, by a role, which is named", async () => {
    const userId = newId();
    await setRoles(userId, "Viewer", "Editor");
    expect(await check(userId, "content:publish", { type: "post", id: "7" })).toMatchObject({
      allowed: true,
      basis: Basis.ROLE,
      reason: "the role Editor permits content:publish",
    });
  });

  test("yes, by the role in the team that the resource belongs to", async () => {
    const answer = await check(member, "content:publish", { type: "post", id: "7", teamId: team });
    expect(answer).toMatchObject({
      allowed: true,
      basis: Basis.TEAM_ROLE,
      reason: expect.stringContaining("Editor"),
    });
    expect((await check(member, "content:publish", { type: "post", id: "7" })).allowed).toBe(false);
    expect((await check(member, "payment:refund", { type: "payment", teamId: team })).allowed).toBe(false);
  });

  test("yes, by ownership, for what owners may do with such a thing", async () => {
    const own = { type: "post", id: "7", ownerId: stranger };
    expect(await check(stranger, "content:delete", own)).toMatchObject({
      allowed: true,
      basis: Basis.OWNERSHIP,
    });
    expect((await check(stranger, "content:publish", own)).allowed).toBe(false);
    expect((await check(stranger, "payment:refund", { type: "payment", ownerId: stranger })).allowed).toBe(
      false,
    );
    expect((await check(stranger, "content:delete", { ...own, ownerId: newId() })).allowed).toBe(false);
    // The type decides, not the permission: one's own file makes nobody an editor of posts.
    expect((await check(stranger, "content:delete", { ...own, type: "file" })).allowed).toBe(false);
    expect((await check(stranger, "content:delete", { ...own, type: "constructor" })).allowed).toBe(false);
  });

  test("no, in words that say what is missing, and in the record", async () => {
    const other = newId();
    const answer = await check(other, "content:publish", {
      type: "post",
      id: "9",
      ownerId: member,
      teamId: team,
    });
    expect(answer).toMatchObject({ allowed: false, basis: Basis.NOT_GRANTED });
    expect(answer.reason).toBe(
      `no role of the user (Customer) permits content:publish; the user is not a member of the team ${team}; the user does not own the post 9`,
    );
    const { entries } = await it.client(AuditService, asOperator).listAudit({ resource: "post/9" });
    expect(entries).toMatchObject([
      {
        action: "permission.check",
        actor: `user:${other}`,
        outcome: Outcome.DENIED,
        details: { permission: "content:publish", asked_by: "service:content" },
      },
    ]);
  });

  test("is recorded once in a while when services are told no, and never when users are told about themselves", async () => {
    const userId = newId();
    const about = { type: "post", id: newId() };
    const recorded = async () =>
      (await it.client(AuditService, asOperator).listAudit({ resource: `post/${about.id}` })).entries.length;
    const ask = { userId, permission: "content:publish", resource: about };
    for (let times = 0; times < 3; times++) await as(asUser(userId)).checkPermission(ask);
    expect(await recorded()).toBe(0);
    for (let times = 0; times < 3; times++) await check(userId, "content:publish", about);
    expect(await recorded()).toBe(1);
    await check(userId, "content:delete", about);
    expect(await recorded()).toBe(2);
  });

  test("is decided by roles alone when a user claims whose it is or which team it belongs to", async () => {
    const claim = (userId: string, permission: string, resource: { ownerId?: string; teamId?: string }) =>
      as(asUser(userId)).checkPermission({ userId, permission, resource: { type: "post", ...resource } });
    expect((await claim(stranger, "content:delete", { ownerId: stranger })).allowed).toBe(false);
    expect((await claim(member, "content:publish", { teamId: team })).allowed).toBe(false);
    expect((await claim(stranger, "content:publish", { teamId: lostTeam })).allowed).toBe(false);
    expect((await claim(stranger, "content:read", {})).allowed).toBe(true);
  });

  test("nobody knows, while the user service is away and the team alone could permit it", async () => {
    expect(await refusalOf(check(stranger, "content:publish", { type: "post", teamId: lostTeam }))).toBe(
      "membership_unknown",
    );
    expect(
      (await check(stranger, "content:write", { type: "post", ownerId: stranger, teamId: lostTeam })).allowed,
    ).toBe(true);
    expect((await check(stranger, "content:read", { type: "post", teamId: lostTeam })).allowed).toBe(true);
  });

  test("is a question about oneself, unless one has security:read", async () => {
    const ask = (caller: Caller, userId: string) =>
      as(caller).checkPermission({ userId, permission: "content:read" });
    expect((await ask(asUser(stranger), stranger.toUpperCase())).allowed).toBe(true);
    expect(await refusalOf(ask(asUser(stranger), member))).toBe("others_permissions");
    expect((await ask(asUser(stranger, ["security:read"]), member)).allowed).toBe(true);
    // The gateway carries questions of users, and must not lend them its own standing.
    expect(await refusalOf(ask({ ...asUser(stranger), ...asService("gateway") }, member))).toBe(
      "others_permissions",
    );
  });
});
