import type { DescService } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import type { Sql } from "postgres";
import postgres from "postgres";
import { AuditService } from "#gen/security/v1/audit_pb.js";
import { PermissionService } from "#gen/security/v1/permissions_pb.js";
import { ThreatService } from "#gen/security/v1/threats_pb.js";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import type { Caller, Logger, ServiceDefinition } from "#mesh";
import { createLogger, newId, reasonOf } from "#mesh";
import type { TestHost } from "#mesh/testing/host.ts";
import { hostInMemory } from "#mesh/testing/host.ts";
import security from "../../services/security/service.ts";
import type { SecurityEnv } from "./security-env.ts";
import { securityEnv } from "./security-env.ts";

export interface SecurityHost extends AsyncDisposable {
  readonly host: TestHost;
  readonly keys: SecurityEnv;
  readonly env: Record<string, string>;
  /** The database of the service, with the rights of its owner. */
  readonly sql: Sql;
  /** As the user service, unless another caller is given. */
  readonly tokens: Client<typeof TokenService>;
  readonly permissions: Client<typeof PermissionService>;
  readonly audit: Client<typeof AuditService>;
  readonly threats: Client<typeof ThreatService>;
  client<S extends DescService>(contract: S, caller?: Caller): Client<S>;
}

export interface SecurityHostOptions {
  env?: Record<string, string>;
  /** Others to be hosted beside it. */
  beside?: readonly ServiceDefinition[];
}

/** The security service over stores of its own. */
export async function securityHost({
  env = {},
  beside = [],
}: SecurityHostOptions = {}): Promise<SecurityHost> {
  const keys = await securityEnv(["user", "security", "order", "content"]);
  const all = { ...keys.env, ...env };
  try {
    const host = await hostInMemory([...beside, security], { env: all });
    const sql = postgres(host.databaseUrl("security"), { max: 2, onnotice: () => {} });
    const client = <S extends DescService>(contract: S, caller: Caller = {}) =>
      host.client(contract, { caller });
    return {
      host,
      keys,
      env: all,
      sql,
      client,
      tokens: client(TokenService, asService("user")),
      permissions: client(PermissionService, asService("user")),
      audit: client(AuditService, asOperator),
      threats: client(ThreatService, asService("user")),
      [Symbol.asyncDispose]: async () => {
        await sql.end();
        await host.stop();
        await keys[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await keys[Symbol.asyncDispose]();
    throw error;
  }
}

export const asService = (name: string): Caller => ({ service: { name, scopes: [] } });
export const asOperator: Caller = asService("operator");
export const asUser = (id: string, permissions: readonly string[] = []): Caller => ({
  user: { id, email: "someone@example.com", sessionId: newId(), roles: [], permissions },
});

export const quiet: Logger = createLogger({ service: "test", level: "silent", contracts: [] });

/** The reason with which a call is refused; an error when it is not. */
export async function refusalOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    return reasonOf(error);
  }
  throw new Error("the call was not refused");
}

/** Waits until something holds; what it waits for is bounded by the test's own time limit. */
export async function eventually<T>(
  look: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
