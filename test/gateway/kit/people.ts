import { PermissionService } from "#gen/security/v1/permissions_pb.js";
import type { Clients, ServiceDefinition } from "#mesh";
import { defineService, handlers } from "#mesh";
import { testServices } from "../../../gateway/contracts/testing/test-file.ts";
import { ask } from "./platform.ts";

/** Somebody with an account. */
export interface Person {
  readonly id: string;
  readonly email: string;
  readonly token: string;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
}

export interface People {
  /** Has a key that security trusts, by which roles are given; to be hosted with the platform. */
  readonly operator: ServiceDefinition;
  /** A new account that has this role, and a token that says so. */
  person(url: string, role: string): Promise<Person>;
}

type Calls = Clients<{ permissions: typeof PermissionService }>;

export const password = "seven tall palm trees";

/** Makes accounts in any number. The gateway must trust proxies at 127.0.0.1. */
export function createPeople(): People {
  let calls: Calls | undefined;
  let count = 0;
  // Every service has a contract; nobody outside may use this one.
  const contracts = testServices({
    process: "operator",
    package: "operator.v1",
    services: { OperatorService: { Rest: { options: { access: { services: ["nobody"] } } } } },
  });
  const operator = defineService({
    name: "operator",
    contracts,
    calls: { permissions: PermissionService },
    setup: (given) => {
      calls = given.calls;
      return { rpc: contracts.map((it) => handlers(it, { rest: () => ({}) } as never)) };
    },
  });
  return {
    operator,
    async person(url, role) {
      const number = ++count;
      const email = `${role.toLowerCase()}${number}@people.example.com`;
      // Each comes from a network of its own: one is allowed so and so many accounts.
      const headers = { "x-forwarded-for": `198.${18 + (number >> 8)}.${number & 255}.7` };
      const registered = await ask(url, "POST", "/api/v1/auth/register", {
        body: { email, password, display_name: `${role} ${number}` },
        headers,
      });
      if (registered.status !== 201) throw new Error(`${email}: ${JSON.stringify(registered.body)}`);
      const { user_id: id } = registered.body.data.session;
      if (role !== "Customer") await calls?.permissions.setUserRoles({ userId: id, roles: [role] });
      // A new token says what its owner may do now; with the old one each service hears of it in its own time.
      const { body } = await ask(url, "POST", "/api/v1/auth/login", { body: { email, password }, headers });
      const { access_token: token, roles, permissions } = body.data.session;
      return { id, email, token, roles, permissions };
    },
  };
}
