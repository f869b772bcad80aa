import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Code } from "@connectrpc/connect";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { TeamService } from "#gen/user/v1/team_pb.js";
import type { Caller } from "../call/identity.ts";
import { handlers } from "../implementation.ts";
import { defineService } from "../service.ts";
import { hostInMemory } from "./host.ts";
import { collectLogs } from "./logs.ts";
import type { ProbeHandlers } from "./probe.ts";
import { ProbeService, probeService, usualHandlers } from "./probe.ts";
import { testStores } from "./stores.ts";

const user = { id: "u1", email: "ada@example.com", sessionId: "s1", roles: [], permissions: [] };
const databases = async () => {
  const sql = postgres(`${testStores().postgresUrl}/postgres`, { max: 1 });
  const rows = await sql<{ datname: string }[]>`select datname from pg_database`;
  await sql.end();
  return rows.map((it) => it.datname);
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-host-"));
  await writeFile(join(folder, "0001_notes.sql"), "create table notes (note_text text)");
});
afterAll(() => rm(folder, { recursive: true }));

/** The probe with a database, in which it keeps what is echoed. */
const keeper = () =>
  defineService({
    name: "probe",
    contracts: [ProbeService],
    database: { migrations: pathToFileURL(`${folder}/`) },
    setup: ({ db }) => ({
      rpc: [
        handlers(ProbeService, {
          ...usualHandlers,
          echo: async ({ text }) => {
            await db.sql`insert into notes (note_text) values (${text})`;
            const rows = await db.sql<{ noteText: string }[]>`select note_text from notes`;
            return { number: BigInt(rows.length) };
          },
        }),
      ],
    }),
  });

describe("services hosted in memory", () => {
  test("have databases of their own, which are gone afterwards", async () => {
    const [one, other] = await Promise.all([hostInMemory([keeper()]), hostInMemory([keeper()])]);
    const names = [one, other].map((it) => new URL(it.databaseUrl("probe")).pathname.slice(1));
    expect(await databases()).toEqual(expect.arrayContaining(names));
    await one.client(ProbeService).echo({ text: "a" });
    expect((await one.client(ProbeService).echo({ text: "b" })).number).toBe(2n);
    expect((await other.client(ProbeService).echo({ text: "c" })).number).toBe(1n);
    await Promise.all([one.stop(), other.stop()]);
    expect((await databases()).filter((it) => names.includes(it))).toEqual([]);
  });

  test("leave nothing behind when one of them does not start", async () => {
    const before = (await databases()).length;
    const broken = defineService({
      name: "user",
      contracts: [TeamService],
      setup: () => {
        throw new Error("no");
      },
    });
    await expect(hostInMemory([keeper(), broken])).rejects.toThrow("no");
    expect((await databases()).filter((it) => it.startsWith("test_probe_")).length).toBeLessThanOrEqual(
      before,
    );
  });

  test("hold to the contract as on a socket: access, validation, deadline", async () => {
    await using host = await hostInMemory([probeService()]);
    const client = host.client(ProbeService);
    await expect(client.mine({})).rejects.toMatchObject({ code: Code.Unauthenticated });
    await expect(client.internal({})).rejects.toMatchObject({ code: Code.Unauthenticated });
    await expect(client.echo({ text: "x".repeat(101) })).rejects.toMatchObject({
      code: Code.InvalidArgument,
    });
    await expect(client.hang({})).rejects.toMatchObject({ code: Code.DeadlineExceeded });
    await expect(client.break({})).rejects.toMatchObject({
      code: Code.Internal,
      rawMessage: expect.not.stringContaining("hunter2"),
    });
  });

  test("see the caller, the token, and where the call comes from, as the test says", async () => {
    const seen: unknown[] = [];
    const look: ProbeHandlers["echo"] = (_note, { caller, userToken, client }) => {
      seen.push({ caller, userToken, client });
      return {};
    };
    await using host = await hostInMemory([probeService({ echo: look })]);
    const caller: Caller = { user, service: { name: "gateway", scopes: ["a:b"] } };
    await host
      .client(ProbeService, { caller, bearer: "raw", address: "203.0.113.9", userAgent: "curl" })
      .echo({});
    await host.client(ProbeService).echo({});
    expect(seen).toEqual([
      { caller, userToken: "raw", client: { address: "203.0.113.9", userAgent: "curl" } },
      { caller: {}, userToken: "", client: { address: "127.0.0.1", userAgent: "test" } },
    ]);
  });

  test("call each other with the right caller: the service, for the user at hand", async () => {
    const seen: Caller[] = [];
    const probe = probeService({
      mine: (_note, call) => {
        seen.push(call.caller);
        return { text: "x" };
      },
    });
    const front = defineService({
      name: "user",
      contracts: [TeamService],
      calls: { probe: ProbeService },
      setup: ({ calls }) => ({
        rpc: [
          handlers(TeamService, {
            getTeam: async () => ({ team: { name: (await calls.probe.mine({})).text } }),
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
    const id = "019aa0b6-7a5c-7000-8000-000000000000";
    await using host = await hostInMemory([front, probe]);
    await host.client(TeamService, { caller: { user } }).getTeam({ id });
    expect(seen).toEqual([
      { user, service: { name: "user", scopes: ["user:read", "user:write", "auth:validate"] } },
    ]);

    await using alone = await hostInMemory([front]);
    await expect(alone.client(TeamService, { caller: { user } }).getTeam({ id })).rejects.toMatchObject({
      code: Code.Unavailable,
      rawMessage: expect.stringContaining("no instance of probe is known"),
    });
  });

  test("write their lines where the test wants them", async () => {
    const logs = collectLogs();
    await using host = await hostInMemory([probeService()], { logs, env: { LOG_LEVEL: "info" } });
    await host.client(ProbeService).echo({});
    // Lines of calls are gathered before they are written.
    await vi.waitFor(() => expect(logs.lines.map(({ message }) => message)).toEqual(["serving", "call"]));
  });
});
