import { createServer } from "node:net";
import type { DescService } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AuditService, Outcome } from "#gen/security/v1/audit_pb.js";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import type { Hosted } from "#mesh";
import { hostService, newId } from "#mesh";
import { testStores } from "#mesh/testing/stores.ts";
import security from "../../services/security/service.ts";
import { assertionOf } from "./security-assertions.ts";
import type { SecurityEnv } from "./security-env.ts";
import { securityEnv } from "./security-env.ts";
import { eventually, refusalOf } from "./security-host.ts";

// As it runs in production: on a socket, with tokens of its own making on every call.
let keys: SecurityEnv;
let hosted: Hosted;
let url: string;
const database = `test_security_${newId().replaceAll("-", "")}`;

beforeAll(async () => {
  keys = await securityEnv(["user", "order", "operator", "security"]);
  const { postgresUrl, natsUrl } = testStores();
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  hosted = await hostService(security, {
    env: {
      ...keys.env,
      WEFT_ENV: "test",
      LOG_LEVEL: "silent",
      // The connection by which the issuer asks itself for its keys outlasts any grace.
      SHUTDOWN_GRACE: "200ms",
      NATS_URL: natsUrl,
      SECURITY_DATABASE_URL: `${postgresUrl}/${database}`,
      SECURITY_PORT: String(port),
      // Nobody: on its usual port, another platform of this machine may answer.
      WEFT_ENDPOINTS: `security=${url},user=http://127.0.0.1:1`,
    },
  });
});
afterAll(async () => {
  await hosted?.stop();
  const sql = postgres(`${testStores().postgresUrl}/postgres`, { max: 1, onnotice: () => {} });
  await sql`drop database if exists ${sql(database)} with (force)`;
  await sql.end();
  await keys[Symbol.asyncDispose]();
});

const as = <S extends DescService>(contract: S, bearer?: string) =>
  createClient(
    contract,
    createConnectTransport({
      baseUrl: url,
      httpVersion: "1.1",
      interceptors: [
        (next) => (request) => {
          if (bearer) request.header.set("authorization", `Bearer ${bearer}`);
          return next(request);
        },
      ],
    }),
  );
const tokenOf = async (service: string) => {
  const assertion = await assertionOf(service, keys.keyOf(service));
  return (await as(TokenService).issueServiceToken({ assertion, audience: "security" })).token;
};

describe("the security service on its socket", () => {
  test("believes the tokens that it issued, and nothing else", async () => {
    const operator = as(AuditService, await tokenOf("operator"));
    expect(await operator.verifyAudit({})).toMatchObject({ intact: true });
    expect(await refusalOf(as(AuditService, await tokenOf("order")).verifyAudit({}))).toBe(
      "caller_not_allowed",
    );
    expect(await refusalOf(as(AuditService, "nonsense").verifyAudit({}))).toBe("bad_token");
    expect(await refusalOf(as(AuditService).verifyAudit({}))).toBe("credentials_required");
  });

  test("lets a user in with the access token of a session, until it is closed", async () => {
    const user = as(TokenService, await tokenOf("user"));
    const { tokens } = await user.openSession({ userId: newId(), email: "ada@example.com" });
    const own = as(TokenService, tokens?.accessToken);
    expect(await own.validateToken({ token: tokens?.accessToken ?? "" })).toMatchObject({ valid: true });
    await user.closeSession({ session: { case: "sessionId", value: tokens?.sessionId ?? "" } });
    await eventually(
      async () => (await refusalOf(own.validateToken({ token: "x" })).catch(() => "")) === "session_ended",
    );
  });

  test("knows the service that adds to the record by its token", async () => {
    await as(AuditService, await tokenOf("order")).recordAudit({
      actor: "user:1",
      action: "order.create",
      outcome: Outcome.ALLOWED,
    });
    const { entries } = await as(AuditService, await tokenOf("operator")).listAudit({
      action: "order.create",
    });
    expect(entries).toMatchObject([{ service: "order" }]);
  });

  test("is healthy but for the user service, which is not there, with its signing key among what that takes", async () => {
    const { status, dependencies } = await hosted.health();
    expect(status).toBe("degraded");
    const unwell = Object.entries(dependencies).filter(([, it]) => it.status !== "healthy");
    expect(unwell.map(([name]) => name)).toEqual(["user"]);
    expect(dependencies).toMatchObject({
      database: { critical: true },
      signing_key: { status: "healthy", critical: true },
      announcements: { status: "healthy", critical: false },
      audit_record: { status: "healthy", critical: false },
    });
  });

  test("counts what it issues and what it refuses", async () => {
    await refusalOf(as(TokenService).issueServiceToken({ assertion: "x", audience: "user" }));
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toMatch(/security_tokens_issued_total\{kind="service"[^}]*\} [1-9]/);
    expect(metrics).toMatch(
      /security_token_refusals_total\{operation="service_token",reason="malformed"[^}]*\} [1-9]/,
    );
  });
});

test("configuration that would weaken revocation is refused", async () => {
  const env = { ...keys.env, SECURITY_ACCESS_TTL: "1h" };
  await expect(hostService(security, { env })).rejects.toThrow(
    /SECURITY_ACCESS_TTL must be from 1 s to 840 s/,
  );
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}
