import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { toJson } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { PermissionService } from "#gen/security/v1/permissions_pb.js";
import type { Session } from "#gen/user/v1/auth_pb.js";
import { AuthService, SessionSchema } from "#gen/user/v1/auth_pb.js";
import { fail } from "#mesh";
import { loadCatalog } from "../catalog.ts";
import { serviceToken, transportTo, urlOf } from "../client.ts";
import type { Command } from "../command.ts";
import { operator, writePrivate } from "../keys.ts";
import { requireState } from "../state.ts";
import { print, printJson } from "../terminal.ts";
import type { Workspace } from "../workspace.ts";

export const token: Command = {
  name: "token",
  summary: "Sign in as a development user and print an access token (development only)",
  usage: `[--role <role>] [--email <address>] [--json]

  --role    role of the user, such as Admin, Editor or Seller; default Admin
  --email   address of the user; default <role>@example.com

Makes the user on first use and keeps its password in .weft/keys. --json prints
the whole session, with the refresh token.`,
  flags: { role: { type: "string", default: "Admin" }, email: { type: "string" } },
  run: async ({ flags, workspace }) => {
    if (process.env.WEFT_ENV === "production") {
      throw fail.denied("development_only", "tokens for made-up users are for development", {
        remedy: "register and sign in through AuthService",
      });
    }
    const role = String(flags.role);
    const email = typeof flags.email === "string" ? flags.email : `${role.toLowerCase()}@example.com`;
    const services = await loadCatalog(workspace);
    const state = await requireState(workspace);
    const auth = createClient(AuthService, transportTo(urlOf(services, state, "user")));

    const password = await passwordOf(workspace, email);
    let session = await signIn(auth, email, password);
    if (session.roles.length !== 1 || session.roles[0] !== role) {
      const securityUrl = urlOf(services, state, "security");
      const bearer = await serviceToken({ workspace, securityUrl, name: operator.name, callee: "security" });
      const permissions = createClient(
        PermissionService,
        transportTo(securityUrl, { authorization: `Bearer ${bearer}` }),
      );
      await permissions.setUserRoles({ userId: session.userId, roles: [role] });
      session = await signIn(auth, email, password);
    }
    if (flags.json) printJson(toJson(SessionSchema, session));
    else print(session.accessToken);
    return 0;
  },
};

type Auth = ReturnType<typeof createClient<typeof AuthService>>;

async function signIn(auth: Auth, email: string, password: string): Promise<Session> {
  const session = (await login(auth, email, password)) ?? (await register(auth, email, password));
  if (!session) throw fail.internal("no_session", "the user service answered without a session");
  return session;
}

async function login(auth: Auth, email: string, password: string): Promise<Session | undefined> {
  try {
    return (await auth.login({ email, password })).session;
  } catch (error) {
    if (error instanceof ConnectError && error.code === Code.Unauthenticated) return undefined;
    throw error;
  }
}

async function register(auth: Auth, email: string, password: string): Promise<Session | undefined> {
  try {
    return (await auth.register({ email, password, displayName: "Developer" })).session;
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
