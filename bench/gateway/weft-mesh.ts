/** What Weft's processes need around them: a broker, an issuer, and users. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startNats } from "../../embedded/index.ts";
import { hostService } from "../../mesh/host/host.ts";
import { freePort } from "../../mesh/testing/free-port.ts";
import { createTestIssuer } from "../../mesh/testing/issuer.ts";
import { makeKey } from "../harness/service-key.ts";
import { nowhere } from "./peers/nowhere.ts";
import { root } from "./proto.ts";
import type { World } from "./world.ts";

export interface WeftMesh {
  /** For every process that takes part. */
  readonly env: Readonly<Record<string, string>>;
  /** Tokens of different users, each good for minutes to come. */
  tokens(): Promise<readonly string[]>;
}

/** So many that none of them comes near a rate limit, however quick the gateway is. */
const users = 512;
/** The issuer's tokens are good for ten minutes. */
const renewMs = 240_000;

/** The issuer runs in this process, which has nothing to do while load is measured. */
export async function startWeftMesh(world: World): Promise<WeftMesh> {
  const folder = await mkdtemp(join(tmpdir(), "weft-bench-"));
  world.defer(() => rm(folder, { recursive: true, force: true }));
  const nats = await startNats({
    dataDir: join(folder, "data"),
    logDir: join(folder, "logs"),
    cacheDir: join(root, ".weft", "cache"),
    port: await freePort(),
  });
  world.defer(() => nats.stop());
  const env = {
    WEFT_ENV: "production",
    LOG_LEVEL: "warn",
    NATS_URL: nats.url,
    WEFT_KEYS_DIR: join(folder, "keys"),
  };
  await makeKey(join(folder, "keys", "gateway"));

  const issuer = await createTestIssuer();
  const security = await hostService(issuer.definition, {
    env: { ...env, SECURITY_PORT: `${await freePort()}`, WEFT_ACCESS_LOG: "false" },
    logs: nowhere(),
  });
  world.defer(() => security.stop());

  const issue = () =>
    Promise.all(Array.from({ length: users }, (_, index) => issuer.accessToken(user(index))));
  let tokens: Promise<readonly string[]> | undefined;
  let issuedMs = 0;
  return {
    env,
    tokens: () => {
      if (tokens === undefined || Date.now() - issuedMs > renewMs) {
        issuedMs = Date.now();
        tokens = issue();
      }
      return tokens;
    },
  };
}

const user = (index: number) => ({
  id: `user-${index}`,
  sessionId: `session-${index}`,
  email: `user-${index}@example.com`,
  // Who may do ten times as much.
  roles: ["developer"],
  permissions: ["item:read", "item:write"],
});
