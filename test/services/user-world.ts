import type { DescService } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import postgres from "postgres";
import { vi } from "vitest";
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.js";
import { AuditService } from "#gen/security/v1/audit_pb.js";
import type { Session } from "#gen/user/v1/auth_pb.js";
import { AuthService } from "#gen/user/v1/auth_pb.js";
import { TeamService } from "#gen/user/v1/team_pb.js";
import { UserService } from "#gen/user/v1/user_pb.js";
import type { Running, ServiceDefinition, Setup, UserIdentity } from "#mesh";
import { fail, WeftError } from "#mesh";
import { type ClientOptions, hostInMemory } from "#mesh/testing/host.ts";
import security from "../../services/security/service.ts";
import type { Hashing } from "../../services/user/hashing.ts";
import { createHashing } from "../../services/user/hashing.ts";
import { createUserService } from "../../services/user/service.ts";
import { silentMetrics } from "./kit.ts";
import { securityEnv } from "./security-env.ts";

export { eventually } from "./kit.ts";

export const goodPassword = "seven tall palm trees";

/** The cost of a hash is no part of the behaviour, and tests make many. */
export const cheapHashing = createHashing({ memoryKiB: 64, passes: 1, lanes: 1 });

export interface Person {
  readonly id: string;
  readonly email: string;
  readonly session: Session;
  readonly user: UserIdentity;
}

export interface WorldOptions {
  hashing?: Hashing;
  env?: Record<string, string>;
  /** Takes the log lines, all of them. */
  logs?: { write(line: string): void };
}

/** What security was asked, such as `openSession`, with the request. */
export interface Asked {
  readonly method: string;
  readonly request: unknown;
}

/** The user service with security beside it, a clock that tests move, and calls to security that tests break. */
export async function createUserWorld({ hashing = cheapHashing, env = {}, logs }: WorldOptions = {}) {
  const clock = {
    nowMs: Date.now(),
    pass: (ms: number) => {
      clock.nowMs += ms;
    },
  };
  const faults = new Set<string>();
  const asked: Asked[] = [];
  let given: Setup<never, never> | undefined;
  const definition = createUserService({ now: () => clock.nowMs, hashing });
  const watched: ServiceDefinition = {
    ...definition,
    setup: (setup) => {
      given = { ...setup, calls: breakable(setup.calls, faults, asked) } as unknown as Setup<never, never>;
      return definition.setup(given as never);
    },
  };
  const keys = await securityEnv(["user", "security"]);
  const host = await hostInMemory([security, watched], {
    env: { ...keys.env, USER_SWEEP_INTERVAL: "1h", ...(logs && { LOG_LEVEL: "trace" }), ...env },
    ...(logs && { logs }),
  });
  const sql = postgres(host.databaseUrl("user"), { max: 2, onnotice: () => {} });
  const restarted: { stopping: AbortController; running: Running }[] = [];
  let count = 0;

  const as = <S extends DescService>(
    contract: S,
    who?: Person | UserIdentity,
    options: ClientOptions = {},
  ) => {
    const user = who && ("user" in who ? who.user : who);
    return host.client(contract, { ...(user && { caller: { user } }), ...options });
  };

  const auth = (options: ClientOptions = {}) => host.client(AuthService, options);

  const world = {
    clock,
    faults,
    asked,
    host,
    sql,
    auth,
    authAs: (who: Person, options: ClientOptions = {}) =>
      as(AuthService, who, { bearer: who.session.accessToken, ...options }),
    users: (who?: Person | UserIdentity) => as(UserService, who),
    teams: (who?: Person | UserIdentity) => as(TeamService, who),
    register: async (email: string, options: ClientOptions = {}): Promise<Person> => {
      const { session } = await auth(options).register({
        email,
        password: goodPassword,
        displayName: "Ama Serwaa",
      });
      return personOf(email, session!);
    },
    /** Somebody new, from an address of his own. */
    somebody: (name = "person"): Promise<Person> => {
      const n = ++count;
      return world.register(`${name}${n}@example.com`, { address: `198.18.${n >> 8}.${n & 255}` });
    },
    login: async (email: string, options: ClientOptions = {}): Promise<Person> => {
      const { session } = await auth(options).login({ email, password: goodPassword });
      return personOf(email, session!);
    },
    /** Who the token belongs to, or the reason why nobody. */
    holder: async ({ session }: Person): Promise<string> => {
      try {
        return (await auth({ bearer: session.accessToken }).validate({})).userId;
      } catch (error) {
        return reasonIn(error);
      }
    },
    /** What was recorded of an action on a resource, once there is so much of it. */
    audited: async (action: string, resource: string, atLeast = 1) => {
      const audit = host.client(AuditService, { caller: { service: { name: "operator", scopes: [] } } });
      return vi.waitFor(
        async () => {
          const { entries } = await audit.listAudit({ action, resource });
          if (entries.length < atLeast) throw new Error(`${entries.length} entries of ${action}`);
          return entries;
        },
        { timeout: 20_000 },
      );
    },
    /** Starts the service once more over the same database, as after a crash. */
    startAgain: async () => {
      const stopping = new AbortController();
      const setup = given as unknown as Setup<never, never>;
      const running = await definition.setup({
        ...setup,
        metrics: silentMetrics(setup),
        stopping: stopping.signal,
      } as never);
      restarted.push({ stopping, running });
    },
    metrics: () => (given as unknown as Setup<never, never>).metrics.render(),
    health: async () => (given as unknown as Setup<never, never>).health.report(),
    async [Symbol.asyncDispose]() {
      faults.clear();
      for (const { stopping, running } of restarted) {
        stopping.abort();
        await running.stop?.();
      }
      await sql.end();
      await host.stop();
      await keys[Symbol.asyncDispose]();
    },
  };
  return world;
}

export type UserWorld = Awaited<ReturnType<typeof createUserWorld>>;

export function personOf(email: string, session: Session): Person {
  const { userId: id, sessionId, roles, permissions } = session;
  return { id, email, session, user: { id, email, sessionId, roles, permissions } };
}

export const admin: UserIdentity = {
  id: "019aa0b6-7a5c-7000-8000-00000000ad31",
  email: "admin@example.com",
  sessionId: "019aa0b6-7a5c-7000-8000-00000000ad32",
  roles: ["Admin"],
  permissions: ["*:*"],
};

function breakable(calls: Record<string, object>, faults: Set<string>, asked: Asked[]) {
  return Object.fromEntries(
    Object.entries(calls).map(([name, client]) => [
      name,
      new Proxy(client, {
        get:
          (target, method: string) =>
          async (request: unknown, ...rest: unknown[]) => {
            if (faults.has(method))
              throw fail.unavailable("broken_by_test", `${method} is broken by the test`);
            asked.push({ method, request });
            return (target as Record<string, (...args: unknown[]) => unknown>)[method]?.(request, ...rest);
          },
      }),
    ]),
  );
}

function reasonIn(error: unknown): string {
  if (error instanceof WeftError) return error.reason;
  if (!(error instanceof ConnectError)) throw error;
  return error.findDetails(ErrorInfoSchema)[0]?.reason ?? Code[error.code];
}

/** The error that a call must end with. */
export async function failure(call: Promise<unknown>): Promise<ConnectError & { reason: string }> {
  const error = await call.then(
    () => {
      throw new Error("the call succeeded");
    },
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ConnectError)) throw error;
  return Object.assign(error, { reason: reasonIn(error) });
}
