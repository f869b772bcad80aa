import { describe, expect, test } from "vitest";
import { Basis } from "#gen/security/v1/permissions_pb.js";
import type { Question } from "./decision.ts";
import { byOwnership, byRole, byTeamRole, notGranted } from "./decision.ts";
import { ownerMay } from "./ownership.ts";

const question = (parts: Partial<Question> = {}): Question => ({
  userId: "u",
  permission: "content:write",
  target: { type: "post", id: "1", ownerId: "u", teamId: "t" },
  ...parts,
});
const editor = { name: "Editor", permissions: ["content:*"] };
const viewer = { name: "Viewer", permissions: ["content:read"] };

describe("a decision", () => {
  test("names the first role that permits it", () => {
    expect(byRole(question(), [viewer, editor])).toMatchObject({
      basis: Basis.ROLE,
      reason: expect.stringContaining("Editor"),
    });
    expect(byRole(question(), [viewer])).toBeUndefined();
    expect(byRole(question(), [{ name: "Admin", permissions: ["*:*"] }])?.allowed).toBe(true);
  });

  test("counts a team's role only when there is one", () => {
    expect(byTeamRole(question(), editor)?.basis).toBe(Basis.TEAM_ROLE);
    for (const role of [viewer, "not_member", "unknown", undefined] as const) {
      expect(byTeamRole(question(), role)).toBeUndefined();
    }
  });

  test("asks for an owner who is the user, and is not fooled by an owner who is nobody", () => {
    expect(byOwnership(question())?.basis).toBe(Basis.OWNERSHIP);
    expect(
      byOwnership(question({ userId: "", target: { type: "post", id: "", ownerId: "x", teamId: "" } })),
    ).toBeUndefined();
    expect(byOwnership(question({ target: undefined }))).toBeUndefined();
  });

  test("says why not", () => {
    expect(notGranted(question({ permission: "content:publish" }), [viewer], viewer).reason).toBe(
      "no role of the user (Viewer) permits content:publish; neither does the role Viewer in the team t; owning the post 1 does not permit it",
    );
  });
});

test("owners may do with their own what the table says, and nothing else", () => {
  expect(ownerMay("post", "content:delete")).toBe(true);
  expect(ownerMay("order", "order:read")).toBe(true);
  expect(ownerMay("order", "order:write")).toBe(false);
  expect(ownerMay("post", "user:delete")).toBe(false);
  for (const type of ["", "unknown", "constructor", "__proto__", "toString"]) {
    expect(ownerMay(type, "content:read")).toBe(false);
  }
});
