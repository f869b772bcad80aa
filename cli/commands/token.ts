import { toJson } from "@bufbuild/protobuf";
import { SessionSchema } from "#gen/user/v1/auth_pb.js";
import type { Command } from "../command.ts";
import { developmentSession } from "../development-user.ts";
import { print, printJson } from "../terminal.ts";

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
    const role = String(flags.role);
    const session = await developmentSession(workspace, {
      role,
      email: typeof flags.email === "string" ? flags.email : `${role.toLowerCase()}@example.com`,
    });
    if (flags.json) printJson(toJson(SessionSchema, session));
    else print(session.accessToken);
    return 0;
  },
};
