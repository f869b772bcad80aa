import { randomBytes } from "node:crypto";
import postgres from "postgres";
import type { Hosted, ServiceDefinition } from "#mesh";
import { hostService } from "#mesh";
import { freePort } from "#mesh/testing/free-port.ts";
import type { Logs } from "#mesh/testing/logs.ts";
import { collectLogs } from "#mesh/testing/logs.ts";
import type { NatsServer } from "#mesh/testing/nats-server.ts";
import { startNatsServer } from "#mesh/testing/nats-server.ts";
import { testStores } from "#mesh/testing/stores.ts";
import gateway from "../../../gateway/service.ts";
import security from "../../../services/security/service.ts";
import { createUserService } from "../../../services/user/service.ts";
import { securityEnv } from "../../services/security-env.ts";
import { cheapHashing } from "../../services/user-world.ts";

export interface PlatformOptions {
  /** Further services, hosted from the start. */
  services?: readonly ServiceDefinition[];
  /** Of the gateway. */
  env?: Record<string, string>;
  /** How many gateways. Default: one. */
  gateways?: number;
}

export interface Platform extends AsyncDisposable {
  /** `http://127.0.0.1:…` of the gateway. */
  readonly url: string;
  readonly urls: readonly string[];
  readonly nats: NatsServer;
  readonly logs: Logs;
  /** Hosts one more service, and gives it to be stopped. */
  host(definition: ServiceDefinition, env?: Record<string, string>): Promise<Hosted>;
  /** Services by name, to stop them. */
  readonly hosted: ReadonlyMap<string, Hosted>;
}

/** Gateway, security and user on ports of their own, with a broker of their own and real tokens. */
export async function startPlatform(options: PlatformOptions = {}): Promise<Platform> {
  const { services = [], env = {}, gateways = 1 } = options;
  const started = new AsyncDisposableStack();
  const { postgresUrl } = testStores();
  const nats = started.adopt(await startNatsServer(), (it) => it.stop());
  const names = [...services.map(({ name }) => name), "gateway", "security", "user", "order"];
  const keys = started.use(await securityEnv(names));
  const suffix = randomBytes(6).toString("hex");
  const databases: string[] = [];
  started.defer(async () => {
    const sql = postgres(`${postgresUrl}/postgres`, { max: 1, onnotice: () => {} });
    for (const name of databases) await sql`drop database if exists ${sql(name)} with (force)`;
    await sql.end();
  });
  const logs = collectLogs();
  const hosted = new Map<string, Hosted>();
  const host = async (definition: ServiceDefinition, more: Record<string, string> = {}) => {
    const { name } = definition;
    const database = `test_${name}_${suffix}`;
    if (definition.database) databases.push(database);
    const it = await hostService(definition, {
      logs,
      env: {
        ...keys.env,
        WEFT_ENV: "test",
        LOG_LEVEL: "info",
        PORT: "0",
        SHUTDOWN_GRACE: "2s",
        NATS_URL: nats.url,
        [`${name.toUpperCase()}_DATABASE_URL`]: `${postgresUrl}/${database}`,
        ...more,
      },
    });
    started.defer(() => it.stop());
    hosted.set(name, it);
    return it;
  };
  const urls: string[] = [];
  try {
    // Known beforehand, since security asks itself for its public keys too.
    await host(security, { PORT: String(await freePort()) });
    await host(createUserService({ hashing: cheapHashing }));
    for (const service of services) await host(service);
    for (let count = 0; count < gateways; count++) {
      // Tests ask more than people do; those of limits turn them on.
      const { port } = await host(gateway, { GATEWAY_RATE_LIMITS: "false", ...env });
      urls.push(`http://127.0.0.1:${port}`);
    }
  } catch (error) {
    await started.disposeAsync();
    throw error;
  }
  return {
    url: urls[0] ?? "",
    urls,
    nats,
    logs,
    host,
    hosted,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

/** An answer of the gateway, as its envelope has it. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever is in it.
  readonly body: any;
}

export interface Asking {
  token?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

/** Asks as a frontend does. */
export async function ask(
  url: string,
  verb: string,
  path: string,
  { token, body, headers = {} }: Asking = {},
): Promise<Answer> {
  const answer = await fetch(`${url}${path}`, {
    method: verb,
    headers: {
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(token && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(15_000),
  });
  const text = await answer.text();
  const isJson = answer.headers.get("content-type")?.startsWith("application/json");
  return { status: answer.status, headers: answer.headers, body: isJson && text ? JSON.parse(text) : text };
}

/** Makes an account, and signs it in. */
export const register = (url: string, email: string): Promise<Answer> =>
  ask(url, "POST", "/api/v1/auth/register", {
    body: { email, password: "seven tall palm trees", display_name: nameOf(email) },
  });

const nameOf = (email: string) => `${email.slice(0, 1).toUpperCase()}${email.split("@")[0]?.slice(1)}`;
