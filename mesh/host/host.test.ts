import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { exportJWK, generateKeyPair } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { TeamService } from "#gen/user/v1/team_pb.js";
import { reasonOf } from "../errors.ts";
import { openStandingBucket, sessionKey } from "../identity/standing.ts";
import { handlers } from "../implementation.ts";
import { createLogger } from "../log/logger.ts";
import { connectNats } from "../nats/nats.ts";
import type { ServiceDefinition } from "../service.ts";
import { defineService } from "../service.ts";
import { testContract } from "../testing/contract.ts";
import { freePort } from "../testing/free-port.ts";
import type { TestIssuer } from "../testing/issuer.ts";
import { createTestIssuer } from "../testing/issuer.ts";
import { collectLogs } from "../testing/logs.ts";
import { ProbeService, probeService } from "../testing/probe.ts";
import { testStores } from "../testing/stores.ts";
import type { Hosted } from "./host.ts";
import { hostService } from "./host.ts";

const logs = collectLogs();
const running: Hosted[] = [];
const env = (more: Record<string, string> = {}) => ({
  WEFT_ENV: "test",
  PORT: "0",
  NATS_URL: testStores().natsUrl,
  WEFT_ENDPOINTS: "security=http://127.0.0.1:1",
  // Nobody is there, and nobody will come.
  WEFT_WAIT_FOR_READY: "0s",
  ...more,
});
const host = async (definition: ServiceDefinition, more: Record<string, string> = {}) => {
  const hosted = await hostService(definition, { env: env(more), logs });
  running.push(hosted);
  return hosted;
};
afterEach(async () => {
  for (const hosted of running.splice(0).reverse()) await hosted.stop();
});
const failure = (work: Promise<unknown>): Promise<ConnectError> =>
  work.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => ConnectError.from(error),
  );
const urlOf = ({ port }: Hosted) => `http://127.0.0.1:${port}`;

describe("a service that calls another for a user", () => {
  const user = { id: "u1", email: "ada@example.com", sessionId: "", roles: ["Customer"], permissions: [] };
  let folder: string;
  let issuer: TestIssuer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "weft-keys-"));
    const { privateKey } = await generateKeyPair("EdDSA", { extractable: true });
    await writeFile(join(folder, "user.json"), JSON.stringify(await exportJWK(privateKey)));
    issuer = await createTestIssuer();
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** `user` answers GetTeam by what the probe says to it. */
  const front = (ask: "mine" | "internal" | "refuse" | "hang") =>
    defineService({
      name: "user",
      contracts: [TeamService],
      calls: { probe: ProbeService },
      setup: ({ calls }) => ({
        rpc: [
          handlers(TeamService, {
            getTeam: async () => ({ team: { name: (await calls.probe[ask]({})).text } }),
            createTeam: () => ({}),
            listTeams: () => ({}),
            deleteTeam: () => ({}),
            addTeamMember: () => ({}),
            removeTeamMember: () => ({}),
            getMembership: () => ({}),
          }),
        ],
      }),
    });

  async function platform(ask: Parameters<typeof front>[0], probe: ServiceDefinition) {
    // The issuer verifies tokens too, with keys that it asks itself for.
    const PORT = `${await freePort()}`;
    const WEFT_ENDPOINTS = `security=http://127.0.0.1:${PORT}`;
    const security = await host(issuer.definition, { PORT, WEFT_ENDPOINTS });
    const behind = await host(probe, { WEFT_ENDPOINTS });
    const hosted = await host(front(ask), {
      WEFT_ENDPOINTS: `${WEFT_ENDPOINTS},probe=${urlOf(behind)}`,
      WEFT_SERVICE_KEY_FILE: join(folder, "user.json"),
    });
    const transport = createConnectTransport({ baseUrl: urlOf(hosted), httpVersion: "1.1" });
    return { client: createClient(TeamService, transport), security };
  }
  const as = async (sessionId: string) => ({
    headers: {
      authorization: `Bearer ${await issuer.accessToken({ ...user, sessionId })}`,
      "x-correlation-id": `c-${sessionId}`,
    },
  });
  const id = "019aa0b6-7a5c-7000-8000-000000000000";

  test("is known to it by name, together with the user, and the action keeps its correlation", async () => {
    const seen: unknown[] = [];
    const probe = probeService({
      mine: (_note, call) => {
        seen.push(call.caller.service?.name, call.caller.user?.id, call.correlationId);
        return { text: "team" };
      },
    });
    const { client } = await platform("mine", probe);
    const before = { ...issuer.asked };
    const headers = await as("s-chain");
    for (let i = 0; i < 3; i++) expect((await client.getTeam({ id }, headers)).team?.name).toBe("team");
    expect(seen.slice(0, 3)).toEqual(["user", "u1", "c-s-chain"]);
    // One token for the probe and one for the issuer itself; one statement; one look at the keys a service.
    expect(issuer.asked.issueServiceToken - before.issueServiceToken).toBe(2);
    expect(issuer.asked.exchangeUserToken - before.exchangeUserToken).toBe(1);
    expect(logs.text).not.toContain(headers.headers.authorization.slice(7));
  });

  test("is refused what is for others", async () => {
    const { client } = await platform("internal", probeService());
    expect((await failure(client.getTeam({ id }, await as("s-refused")))).code).toBe(Code.PermissionDenied);
  });

  test("passes the callee's error on, but none of its headers", async () => {
    const { client } = await platform("refuse", probeService());
    const error = await failure(
      client.getTeam({ id }, { headers: { ...(await as("s-error")).headers, "x-request-id": "mine" } }),
    );
    expect([error.code, reasonOf(error), error.rawMessage]).toEqual([
      Code.NotFound,
      "note_not_found",
      "no note has this text",
    ]);
    expect(error.metadata.get("x-request-id")).toBe("mine");
  });

  test("has no more time than its own caller gave it", async () => {
    const seen: number[] = [];
    const probe = probeService({
      hang: (_note, call) => {
        seen.push(call.deadline - Date.now());
        return new Promise(() => {});
      },
    });
    const { client } = await platform("hang", probe);
    const options = { ...(await as("s-time")), timeoutMs: 100 };
    expect((await failure(client.getTeam({ id }, options))).code).toBe(Code.DeadlineExceeded);
    for (const left of seen) expect(left).toBeLessThanOrEqual(100);
  });

  test("goes on while the issuer is away, and stops within a second of the session's end", async () => {
    const { client, security } = await platform("mine", probeService());
    const headers = await as("s-away");
    await client.getTeam({ id }, headers);
    await security.stop();
    expect((await client.getTeam({ id }, headers)).team?.name).toBe("u1");
    const log = createLogger({ service: "test", level: "silent", contracts: [], destination: collectLogs() });
    const nats = await connectNats({ url: testStores().natsUrl, name: "test", log, waitMs: 5000 });
    try {
      await (await openStandingBucket(nats)).put(
        sessionKey("s-away"),
        await issuer.standing(sessionKey("s-away")),
      );
      await vi.waitFor(
        async () => expect(reasonOf(await failure(client.getTeam({ id }, headers)))).toBe("session_ended"),
        {
          timeout: 5000,
        },
      );
    } finally {
      await nats.close();
    }
  });
});

describe("a service does not start", () => {
  const open = { options: { access: { public: true } } };
  test("when a method of its contract has no handler", async () => {
    const contract = testContract({ service: "probe", methods: { One: open, Two: open } });
    const definition = defineService({
      name: "probe",
      contracts: [contract],
      setup: () => ({ rpc: [handlers(contract, { one: () => ({}) } as never)] }),
    });
    expect((await failure(host(definition))).message).toContain("probe.v1.ProbeService/Two has no handler");
  });

  test("when a contract of its own is not answered, or one is answered that is not its own", async () => {
    const silent = defineService({ name: "probe", contracts: [ProbeService], setup: () => ({ rpc: [] }) });
    expect(reasonOf(await failure(host(silent)))).toBe("unanswered_method");
    const contract = testContract({ service: "probe", methods: { One: open } });
    const extra = defineService({
      name: "user",
      contracts: [TeamService],
      setup: () => ({
        rpc: [handlers(TeamService, {} as never), handlers(contract, { one: () => ({}) } as never)],
      }),
    });
    expect(reasonOf(await failure(host(extra)))).toMatch(/unanswered_method|unlisted_contract/);
  });

  test("on a port that is taken, and leaves no connection behind", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    let stopping: AbortSignal | undefined;
    try {
      const definition = probeService({}, (given) => {
        stopping = given.stopping;
      });
      const error = await failure(host(definition, { PORT: `${port}` }));
      expect(error.message).toContain(`port 127.0.0.1:${port} is taken`);
      expect(stopping?.aborted).toBe(true);
    } finally {
      other.close();
    }
  });

  test("without its key when it calls others", async () => {
    const definition = defineService({ ...probeService(), calls: { team: TeamService } } as never);
    const error = await failure(host(definition, { WEFT_SERVICE_KEY_FILE: "/nowhere/key.json" }));
    expect(error.message).toContain("cannot use the key of probe in /nowhere/key.json");
    expect(error.message).toContain("WEFT_SERVICE_KEY_FILE");
  });

  test("when its variables are wrong, all of which are told at once", async () => {
    const error = await failure(host(probeService(), { LOG_LEVEL: "loud", WEFT_ENDPOINTS: "x", PORT: "-1" }));
    for (const name of ["LOG_LEVEL", "WEFT_ENDPOINTS", "PORT"])
      expect(error.message).toContain(`${name} must be`);
  });
});

test("stopping twice is stopping once", async () => {
  const hosted = await host(probeService());
  await Promise.all([hosted.stop(), hosted.stop()]);
  await hosted.stop();
  expect(logs.lines.filter((it) => it.message === "stopped").length).toBeGreaterThan(0);
});
