import { expect, vi } from "vitest";
import type { Hosted, ServiceDefinition } from "#mesh";
import { hostService } from "#mesh";
import { freePort } from "#mesh/testing/free-port.ts";
import type { TestIssuer } from "#mesh/testing/issuer.ts";
import { createTestIssuer } from "#mesh/testing/issuer.ts";
import type { Logs } from "#mesh/testing/logs.ts";
import { collectLogs } from "#mesh/testing/logs.ts";
import type { NatsServer } from "#mesh/testing/nats-server.ts";
import { startNatsServer } from "#mesh/testing/nats-server.ts";
import gateway from "../../../gateway/service.ts";
import { securityEnv } from "../../services/security-env.ts";
import { ask } from "./platform.ts";

export interface SmallPlatformOptions {
  /** Of each gateway. */
  env?: Record<string, string>;
  /** How many gateways. Default: one. */
  gateways?: number;
}

export interface SmallPlatform extends AsyncDisposable {
  /** `http://127.0.0.1:…` of the first gateway. */
  readonly url: string;
  readonly urls: readonly string[];
  readonly gateways: readonly Hosted[];
  readonly nats: NatsServer;
  readonly logs: Logs;
  readonly issuer: TestIssuer;
  readonly security: Hosted;
  /** What a service needs in its environment to take part. */
  readonly env: Readonly<Record<string, string>>;
  host(definition: ServiceDefinition, env?: Record<string, string>): Promise<Hosted>;
  /** The access token of a user who has signed in. */
  tokenOf(id: string, roles?: readonly string[], permissions?: readonly string[]): Promise<string>;
  /** Ends what a test opened, before all else ends. */
  readonly opened: AsyncDisposableStack;
}

/** Gateways and an issuer that signs whatever it is asked to: no database, and nobody to register with. */
export async function startSmallPlatform(options: SmallPlatformOptions = {}): Promise<SmallPlatform> {
  const { env: more = {}, gateways: count = 1 } = options;
  const opened = new AsyncDisposableStack();
  const nats = opened.adopt(await startNatsServer(), (it) => it.stop());
  const keys = opened.use(await securityEnv(["gateway", "security"]));
  const logs = collectLogs();
  const env: Record<string, string> = {
    WEFT_KEYS_DIR: keys.env.WEFT_KEYS_DIR ?? "",
    WEFT_ENV: "test",
    LOG_LEVEL: "info",
    PORT: "0",
    SHUTDOWN_GRACE: "2s",
    NATS_URL: nats.url,
  };
  const host = async (definition: ServiceDefinition, own: Record<string, string> = {}) =>
    opened.adopt(await hostService(definition, { logs, env: { ...env, ...own } }), (it) => it.stop());
  try {
    const issuer = await createTestIssuer();
    const security = await host(issuer.definition, { PORT: String(await freePort()) });
    // When it goes, nobody else who may be at its usual port is to be asked in its place.
    env.WEFT_ENDPOINTS = `security=http://127.0.0.1:${security.port}`;
    const gateways: Hosted[] = [];
    for (let at = 0; at < count; at++) {
      gateways.push(await host(gateway, { GATEWAY_RATE_LIMITS: "false", ...more }));
    }
    const urls = gateways.map(({ port }) => `http://127.0.0.1:${port}`);
    return {
      url: urls[0] ?? "",
      urls,
      gateways,
      nats,
      logs,
      issuer,
      security,
      env,
      host,
      tokenOf: (id, roles = ["Customer"], permissions = []) =>
        issuer.accessToken({
          id,
          sessionId: `session-${id}`,
          email: `${id}@example.com`,
          roles,
          permissions,
        }),
      opened,
      [Symbol.asyncDispose]: () => opened.disposeAsync(),
    };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

/** Waits until a gateway has a route for this path. */
export async function isServed(url: string, path: string): Promise<void> {
  const hasRoute = async () => expect((await ask(url, "OPTIONS", path)).status).not.toBe(404);
  await vi.waitFor(hasRoute, { timeout: 8000, interval: 20 });
}
