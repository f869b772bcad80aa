import type { DescMethod, JsonObject } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PermissionService } from "#gen/security/v1/permissions_pb.js";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import { AuthService } from "#gen/user/v1/auth_pb.js";
import { TeamService } from "#gen/user/v1/team_pb.js";
import { UserService } from "#gen/user/v1/user_pb.js";
import { methodName, optionsOf, permits } from "#mesh";
import { isPublished } from "#mesh/contract/published.ts";
import { bindings, methods } from "./kit/contracts.ts";
import type { Door, Doors, Outcome } from "./kit/doors.ts";
import { openDoors } from "./kit/doors.ts";
import type { Person } from "./kit/people.ts";
import { createPeople, password } from "./kit/people.ts";
import type { Platform } from "./kit/platform.ts";
import { ask, startPlatform } from "./kit/platform.ts";
import { sampleOf, setIds } from "./kit/samples.ts";

// The OWASP API Security Top 10 (2023), made of the contracts: whoever adds a method adds its tests.

const roles = ["Customer", "Seller", "Viewer", "Editor", "Developer", "Manager", "Admin"];

const people = createPeople();
let platform: Platform;
let url: string;
let doors: Doors;
/** One of each role, and nobody. */
let cast: (Person | undefined)[];
/** Somebody else, of whom nobody is to learn anything. */
let other: Subject;
let own: Map<Person, Subject>;

/** What there is of somebody. */
interface Subject {
  readonly person: Person;
  readonly teamId: string;
}

beforeAll(async () => {
  platform = await startPlatform({
    services: [people.operator],
    env: { GATEWAY_TRUSTED_PROXIES: "127.0.0.0/8" },
  });
  url = platform.url;
  doors = openDoors(url);
  cast = [undefined];
  for (const role of roles) cast.push(await people.person(url, role));
  other = await subject("Customer");
  await ask(url, "PATCH", "/api/v1/users/profile", { token: other.person.token, body: { phone } });
  own = new Map();
  for (const who of cast) if (who) own.set(who, { person: who, teamId: await teamOf(who) });
}, 90_000);
afterAll(async () => {
  doors?.[Symbol.dispose]();
  await platform?.[Symbol.asyncDispose]();
});

const phone = "+233209998877";

async function subject(role: string): Promise<Subject> {
  const person = await people.person(url, role);
  return { person, teamId: await teamOf(person) };
}

async function teamOf({ token }: Person): Promise<string> {
  const { body } = await ask(url, "POST", "/api/v1/teams", { token, body: { name: "Crew" } });
  return body.data.id;
}

/** What ends or changes who asks: for these, somebody new each time. */
const consuming = new Set<DescMethod>([
  AuthService.method.logout,
  AuthService.method.changePassword,
  UserService.method.deleteUser,
  UserService.method.updateProfile,
  TeamService.method.deleteTeam,
  TeamService.method.addTeamMember,
  TeamService.method.removeTeamMember,
  PermissionService.method.setUserRoles,
  TokenService.method.closeUserSessions,
  TokenService.method.rotateKeys,
]);

/** How the door itself turns somebody away, whatever is asked for. */
const doorReasons = [
  "credentials_required",
  "permission_missing",
  "scope_missing",
  "caller_not_allowed",
  "bad_token",
];
const ours = ["internal", "unknown", "unimplemented", "unavailable", "data_loss", "deadline_exceeded"];

/** What the contract says of somebody at a method's door. */
function verdict(method: DescMethod, who: Person | undefined): string {
  if (!isPublished(method)) return "hidden";
  const { access } = optionsOf(method) ?? {};
  if (access?.public) return "in";
  if (!who) return "credentials_required";
  if (access?.signedIn || permits(who.permissions, access?.permission ?? "")) return "in";
  return "permission_missing";
}

/** What PLATFORM says of things that are somebody else's; nothing where a permission alone decides. */
function othersVerdict(method: DescMethod, { permissions }: Person): string | undefined {
  switch (method) {
    case TeamService.method.getTeam:
    case TeamService.method.deleteTeam:
    case TeamService.method.addTeamMember:
    case TeamService.method.removeTeamMember:
      return "not_found";
    case UserService.method.deleteUser:
      return permits(permissions, "user:admin") ? "ok" : "permission_denied";
    case PermissionService.method.checkPermission:
      return permits(permissions, "security:read") ? "ok" : "permission_denied";
    default:
      return undefined;
  }
}

function requestFor(method: DescMethod, { person, teamId }: Subject): JsonObject {
  const id = method.parent === TeamService ? teamId : person.id;
  const request = setIds(sampleOf(method), method.input, { id, team_id: teamId, user_id: person.id });
  if (method === AuthService.method.changePassword) return { ...request, current_password: password };
  return request;
}

/** Says what is wrong with an outcome, if anything is. */
function wrongWith(
  method: DescMethod,
  who: Person | undefined,
  isOwn: boolean,
  door: Door,
  { code, reason, text, status, headers }: Outcome,
): string | undefined {
  const expected = verdict(method, who);
  const wrong = (what: string) =>
    `${methodName(method)} by ${door.name} for ${who?.roles ?? "nobody"} on ${isOwn ? "own" : "other's"}: ${what}: ${status ?? ""} ${code} ${reason} ${text.slice(0, 300)}`;
  if (insides.test(text)) return wrong("tells of the inside");
  const sees = who && ["user:read", "user:admin", "security:read"].some((it) => permits(who.permissions, it));
  if (!sees && (text.includes(other.person.email) || text.includes(phone)))
    return wrong("tells of somebody else");
  if (headers) {
    const missing = missingHeaders(headers);
    if (missing.length > 0) return wrong(`without ${missing}`);
  }
  if (expected === "hidden") {
    if (status === undefined) return code === "unimplemented" ? undefined : wrong("should not be there");
    return status === 401 || status === 403 ? undefined : wrong("is for services alone");
  }
  if (expected !== "in") return reason === expected ? undefined : wrong(`should be ${expected}`);
  if (doorReasons.includes(reason)) return wrong("should be let in");
  if (ours.includes(code) || (status ?? 0) >= 500) return wrong("is a fault of ours");
  const others = isOwn || !who ? undefined : othersVerdict(method, who);
  if (others && code !== others) return wrong(`should be ${others}`);
  return undefined;
}

const insides =
  /\n\s+at |node_modules|\.ts:\d|127\.0\.0\.1|localhost:\d|postgres|\bselect .* from\b|\binsert into\b|ECONN|\/(services|gateway|mesh)\/[a-z]+\.|\bkv\b|nats:/i;

const always = [
  "x-content-type-options",
  "x-frame-options",
  "referrer-policy",
  "content-security-policy",
  "x-request-id",
  "x-correlation-id",
  "cache-control",
];
const missingHeaders = (headers: Headers) => always.filter((it) => !headers.has(it));

const doorsOf = (method: DescMethod): Door[] => [
  ...doors.rpc,
  ...bindings.filter((it) => it.method === method).map((it) => doors.rest(it)),
];

describe.each(methods.map((it) => [methodName(it), it] as const))("%s", (_name, method) => {
  test("answers each role, in each protocol, as its contract says: own and others'", async () => {
    const wrong: (string | undefined)[] = [];
    const knock = async (who: Person | undefined, whose: Subject, door: Door) => {
      const outcome = await door.call(method, requestFor(method, whose), who?.token);
      wrong.push(wrongWith(method, who, whose.person.id === who?.id, door, outcome));
      return `${outcome.code} ${outcome.reason}`;
    };
    const all = doorsOf(method);
    for (const [index, who] of cast.entries()) {
      // Whoever may does it elsewhere: a new key at every moment would be unknown to verifiers, which ask
      // for keys every five seconds at most, and make everybody's tokens no good meanwhile.
      if (method === TokenService.method.rotateKeys && verdict(method, who) === "in") continue;
      if (who && verdict(method, who) === "in" && consuming.has(method)) {
        const door = all[index % all.length] as Door;
        const mine = await subject(who.roles[0] ?? "");
        const isSafe = ["not_found", "permission_denied"].includes(othersVerdict(method, who) ?? "");
        await knock(mine.person, isSafe ? other : await subject("Customer"), door);
        await knock(mine.person, mine, door);
        continue;
      }
      const mine = who && own.get(who);
      for (const whose of mine ? [mine, other] : [other]) {
        const ends = await Promise.all(all.map((door) => knock(who, whose, door)));
        // What is hidden is hidden by each protocol in its own words.
        if (verdict(method, who) !== "hidden" && !isRandom(method))
          expect(new Set(ends).size, ends.join("; ")).toBe(1);
      }
    }
    expect(wrong.filter((it) => it !== undefined)).toEqual([]);
  }, 60_000);
});

/** Guessing is slowed down, and addresses are taken once, so the same asked again ends otherwise. */
const isRandom = (method: DescMethod) =>
  method === AuthService.method.register || method === AuthService.method.login;
