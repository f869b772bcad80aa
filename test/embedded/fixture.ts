import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { Sql } from "postgres";
import postgres from "postgres";
import { onTestFinished } from "vitest";
import type { Embedded, EmbeddedEvent, EmbeddedOptions } from "#embedded";
import { startEmbedded } from "#embedded";
import { isFree } from "../../embedded/ports.ts";
import { markOf } from "../../embedded/process/identity.ts";
import { terminate } from "../../embedded/process/terminate.ts";
import { prepareData } from "./prepared-data.ts";

/** A folder with a space in its name, removed when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "weft embedded "));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const foldersOf = (folder: string) => ({
  dataDir: join(folder, "data"),
  logDir: join(folder, "logs"),
});

/** A free port where neither the usual ports nor the kernel's own choices lie: no other test asks for it. */
export async function ownPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    if (await isFree(port)) return port;
  }
}

export const ownPorts = async () => ({ postgresPort: await ownPort(), natsPort: await ownPort() });

export interface Started extends Embedded {
  events: EmbeddedEvent[];
}

/** A temporary folder that PostgreSQL has been at home in, without the time that takes. */
export async function usedFolder(): Promise<string> {
  const folder = temporaryFolder();
  await prepareData(foldersOf(folder).dataDir);
  return folder;
}

/** Both servers on the folder, stopped when the test is over. */
export async function start(folder: string, options: Partial<EmbeddedOptions> = {}): Promise<Started> {
  const events: EmbeddedEvent[] = [];
  const onEvent = (event: EmbeddedEvent) => events.push(event);
  const embedded = await startEmbedded({ ...foldersOf(folder), onEvent, ...options });
  onTestFinished(() => embedded.stop());
  return Object.assign(embedded, { events });
}

const killing = [
  { signal: "SIGINT", waitMs: 5000 },
  { signal: "SIGKILL", waitMs: 5000 },
] as const;

export interface Parent {
  process: ChildProcess;
  pids: [number, number];
  postgresUrl: string;
  natsUrl: string;
}

/** The servers in another process, which the test may kill. */
export async function startParent(folder: string, mode = ""): Promise<Parent> {
  const script = fileURLToPath(new URL("./parent.ts", import.meta.url));
  const { postgresPort, natsPort } = await ownPorts();
  const args = [script, folder, String(postgresPort), String(natsPort), mode];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  });
  const [line] = await once(child.stdout!, "data");
  const told: Omit<Parent, "process"> = JSON.parse(String(line));
  const marks = told.pids.map((pid) => markOf(pid)!);
  // A test that failed half-way may have left them.
  onTestFinished(async () => void (await Promise.all(marks.map((mark) => terminate(mark, killing)))));
  return { process: child, ...told };
}

export async function killed(
  child: ChildProcess,
  signal: NodeJS.Signals = "SIGKILL",
): Promise<number | null> {
  child.kill(signal);
  const [code] = await once(child, "exit");
  return code;
}

export async function sql<T>(url: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  const client = postgres(url, { max: 2, onnotice: () => {} });
  try {
    return await work(client);
  } finally {
    await client.end({ timeout: 1 });
  }
}

export const writeRow = (url: string) =>
  sql(url, async (sql) => {
    await sql`create table if not exists kept (word text)`;
    await sql`insert into kept values ('woven')`;
  });

export const readRows = (url: string) =>
  sql(url, async (sql) => (await sql<{ word: string }[]>`select word from kept`).map(({ word }) => word));

async function nats<T>(
  url: string,
  work: (nc: Awaited<ReturnType<typeof connect>>) => Promise<T>,
): Promise<T> {
  const { host, username, password } = new URL(url);
  const connection = await connect({ servers: host, user: username, pass: password });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

export const publish = (url: string) =>
  nats(url, async (connection) => {
    await (await jetstreamManager(connection)).streams.add({ name: "KEPT", subjects: ["kept"] });
    await jetstream(connection).publish("kept", "woven");
  });

export const countMessages = (url: string) =>
  nats(
    url,
    async (connection) => (await (await jetstreamManager(connection)).streams.info("KEPT")).state.messages,
  );
