import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { PermissionService } from "#gen/security/v1/permissions_pb.js";
import type { Session } from "#gen/user/v1/auth_pb.js";
import { AuthService } from "#gen/user/v1/auth_pb.js";
import { fail } from "#mesh";
import { loadCatalog } from "./catalog.ts";
import { serviceToken, transportTo, urlOf } from "./client.ts";
import { operator, writePrivate } from "./keys.ts";
import { requireState } from "./state.ts";
import type { Workspace } from "./workspace.ts";

export interface DevelopmentUser {
  readonly email: string;
  /** The only one that it is to have. */
  readonly role: string;
  readonly displayName?: string;
}

/** Signs in a made-up user of this checkout, who is made on first use. */
export async function developmentSession(
  workspace: Workspace,
  { email, role, displayName = "Developer" }: DevelopmentUser,
): Promise<Session> {
  if (process.env.WEFT_ENV === "production") {
    throw fail.denied("development_only", "made-up users are for development", {
      remedy: "register and sign in through AuthService",
    });
  }
  const services = await loadCatalog(workspace);
  const state = await requireState(workspace);
  const auth = createClient(AuthService, transportTo(urlOf(services, state, "user")));

  const password = await passwordOf(workspace, email);
  const account = { email, password, displayName };
  const known = await login(auth, account);
  if (known?.roles.length === 1 && known.roles[0] === role) return known;
  const securityUrl = urlOf(services, state, "security");
  const bearer = await serviceToken({ workspace, securityUrl, name: operator.name, callee: "security" });
  const permissions = createClient(
    PermissionService,
    transportTo(securityUrl, { authorization: `Bearer ${bearer}` }),
  );
  // Before an account is made that would be left without it.
  const { roles } = await permissions.listRoles({});
  if (!roles.some(({ name }) => name === role)) {
    throw fail.invalid("unknown_role", `"${role}" is not a role`, {
      remedy: `the roles are ${roles.map(({ name }) => name).join(", ")}`,
    });
  }
  const { userId } = known ?? (await register(auth, account));
  await permissions.setUserRoles({ userId, roles: [role] });
  return (await login(auth, account)) ?? Promise.reject(noSession());
}

type Auth = ReturnType<typeof createClient<typeof AuthService>>;

interface Account {
  readonly email: string;
  readonly password: string;
  readonly displayName: string;
}

const noSession = () => fail.internal("no_session", "the user service answered without a session");

async function login(auth: Auth, { email, password }: Account): Promise<Session | undefined> {
  try {
    return (await auth.login({ email, password })).session;
  } catch (error) {
    if (error instanceof ConnectError && error.code === Code.Unauthenticated) return undefined;
    throw error;
  }
}

async function register(auth: Auth, { email, password, displayName }: Account): Promise<Session> {
  try {
    const { session } = await auth.register({ email, password, displayName });
    return session ?? Promise.reject(noSession());
  } catch (error) {
    if (error instanceof ConnectError && error.code === Code.AlreadyExists) {
      throw fail.alreadyExists(
        "not_a_development_user",
        `${email} is an account whose password is not known here`,
        {
          remedy: "choose another --email",
        },
      );
    }
    throw error;
  }
}

/** The password of a development user, made up when it is first asked for. */
async function passwordOf({ keys }: Workspace, email: string): Promise<string> {
  const file = join(keys, "development-users.json");
  const text = await readFile(file, "utf8").catch(() => "{}");
  const passwords = JSON.parse(text) as Record<string, string>;
  const known = passwords[email];
  if (known) return known;
  const password = randomBytes(18).toString("base64url");
  await writePrivate(file, JSON.stringify({ ...passwords, [email]: password }));
  return password;
}
