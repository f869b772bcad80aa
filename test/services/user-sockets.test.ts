import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import type { DescService } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import postgres from "postgres";
import { expect, test } from "vitest";
import { AuthService, type Session } from "#gen/user/v1/auth_pb.js";
import { UserService } from "#gen/user/v1/user_pb.js";
import type { ServiceDefinition } from "#mesh";
import { hostService } from "#mesh";
import { testStores } from "#mesh/testing/stores.ts";
import security from "../../services/security/service.ts";
import { createUserService } from "../../services/user/service.ts";
import { securityEnv } from "./security-env.ts";
import { cheapHashing, eventually, failure, goodPassword } from "./user-world.ts";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Both services on ports of their own, with nothing between them but real tokens. */
async function createSocketWorld() {
  const { postgresUrl, natsUrl } = testStores();
  const keys = await securityEnv(["user", "security"]);
  const suffix = randomBytes(6).toString("hex");
  const names = { security: `test_security_${suffix}`, user: `test_user_${suffix}` };
  const host = (definition: ServiceDefinition, database: string, env: Record<string, string> = {}) =>
    hostService(definition, {
      env: {
        ...keys.env,
        WEFT_ENV: "test",
        LOG_LEVEL: "silent",
        PORT: "0",
        SHUTDOWN_GRACE: "500ms",
        NATS_URL: natsUrl,
        [`${definition.name.toUpperCase()}_DATABASE_URL`]: `${postgresUrl}/${database}`,
        ...env,
      },
    });
  // Known beforehand, since security asks itself for its public keys too.
  const port = String(await freePort());
  const env = { WEFT_ENDPOINTS: `security=http://127.0.0.1:${port}` };
  const issuer = await host(security, names.security, { ...env, PORT: port });
  const users = await host(createUserService({ hashing: cheapHashing }), names.user, env);
  const baseUrl = `http://127.0.0.1:${users.port}`;

  return {
    client: <S extends DescService>(contract: S, session?: Session) =>
      createClient(
        contract,
        createConnectTransport({
          baseUrl,
          httpVersion: "1.1",
          interceptors: [
            (next) => (request) => {
              if (session) request.header.set("authorization", `Bearer ${session.accessToken}`);
              return next(request);
            },
          ],
        }),
      ),
    async [Symbol.asyncDispose]() {
      await users.stop();
      await issuer.stop();
      const sql = postgres(`${postgresUrl}/postgres`, { max: 1, onnotice: () => {} });
      for (const name of Object.values(names)) await sql`drop database if exists ${sql(name)} with (force)`;
      await sql.end();
      await keys[Symbol.asyncDispose]();
    },
  };
}

test("over sockets and with real tokens, what ends a session does not hinder what comes after it", async () => {
  await using world = await createSocketWorld();
  const newPassword = "eight small round stones";
  const registration = { email: "ama@example.com", password: goodPassword, displayName: "Ama" };
  const { session: first } = await world.client(AuthService).register(registration);
  expect((await world.client(AuthService, first).validate({})).roles).toEqual(["Customer"]);
  expect((await world.client(UserService, first).getProfile({})).user?.email).toBe("ama@example.com");

  const change = { currentPassword: goodPassword, newPassword };
  const { session: second } = await world.client(AuthService, first).changePassword(change);
  const ended = async (session: Session | undefined) =>
    (await failure(world.client(UserService, session).getProfile({}))).reason;
  await eventually(() => ended(first)).toBe("session_ended");

  await world.client(UserService, second).deleteUser({ id: second!.userId });
  await eventually(() => ended(second)).toBe("session_ended");
  const login = await failure(
    world.client(AuthService).login({ email: "ama@example.com", password: newPassword }),
  );
  expect(login.reason).toBe("bad_credentials");
});
