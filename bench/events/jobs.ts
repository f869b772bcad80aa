import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Sql } from "postgres";
import postgres from "postgres";
import { hostService } from "../../mesh/host/host.ts";
import { freePort } from "../../mesh/testing/free-port.ts";
import { createTestIssuer } from "../../mesh/testing/issuer.ts";
import type { Settings } from "../benchmark.ts";
import { nowhere } from "../gateway/peers/nowhere.ts";
import type { Child } from "../harness/child.ts";
import { startChild } from "../harness/child.ts";
import { makeKey } from "../harness/service-key.ts";
import { median, spreadOf } from "../harness/statistics.ts";
import { urlOf } from "./publishing.ts";
import type { Stores } from "./stores.ts";

export interface Amount {
  readonly count: number;
  readonly lanes: number;
}

export interface WorkerOptions {
  readonly env: Record<string, string>;
  readonly concurrency: number;
}

export interface JobsResult {
  readonly peer: string;
  readonly perSecond: number;
  readonly spread: number;
  /** Of all its processes but the stores. */
  readonly cpuMicros: number;
}

/** Who has jobs done: asks for them, and sees how many are. */
interface Contender {
  readonly name: string;
  enqueue(amount: Amount): Promise<void>;
  done(): Promise<number>;
  cpuMicros(): Promise<number>;
}

const lanes = 64;
const concurrency = 100;

/** Jobs a second, from asking for one to its being noted as done, with all that happens at the same time. */
export async function compareJobs(stores: Stores, settings: Settings): Promise<JobsResult[]> {
  const { quick, progress, signal } = settings;
  const [count, rounds] = quick ? [2000, 3] : [8000, 5];
  await using parts = new AsyncDisposableStack();
  progress.stage("jobs");
  const contenders = [await startWeft(stores, parts, signal), await startPgBoss(stores, parts, signal)];
  const rates = new Map<string, number[]>();
  const cpu = new Map<string, number[]>();
  // The first round is not counted: code is compiled in it.
  for (let round = 0; round <= rounds; round++) {
    for (const contender of contenders) {
      const { name } = contender;
      progress.step(`round ${round} of ${rounds}, ${name}`);
      const [before, cpuBefore] = [await contender.done(), await contender.cpuMicros()];
      const began = performance.now();
      await contender.enqueue({ count, lanes });
      while ((await contender.done()) < before + count) await sleep(10, undefined, { signal });
      const ms = performance.now() - began;
      if (round === 0) continue;
      rates.set(name, [...(rates.get(name) ?? []), (count / ms) * 1000]);
      cpu.set(name, [...(cpu.get(name) ?? []), ((await contender.cpuMicros()) - cpuBefore) / count]);
    }
  }
  return contenders.map(({ name }) => {
    const all = rates.get(name) ?? [];
    return {
      peer: name,
      perSecond: median(all),
      spread: spreadOf(all),
      cpuMicros: median(cpu.get(name) ?? []),
    };
  });
}

async function startWeft(
  stores: Stores,
  parts: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Contender> {
  const folder = await mkdtemp(join(tmpdir(), "weft-bench-"));
  parts.defer(() => rm(folder, { recursive: true, force: true }));
  for (const service of ["queue", "probe"]) await makeKey(join(folder, "keys", service));
  const own = (name: string) => databaseOf(stores, `bench_${name}`);
  const env = {
    WEFT_ENV: "production",
    LOG_LEVEL: "warn",
    NATS_URL: stores.natsUrl,
    WEFT_NAMESPACE: "jobs",
    WEFT_KEYS_DIR: join(folder, "keys"),
    QUEUE_DATABASE_URL: own("queue"),
    PROBE_DATABASE_URL: own("probe"),
    QUEUE_PORT: `${await freePort()}`,
    PROBE_PORT: `${await freePort()}`,
  };
  const issuer = await createTestIssuer();
  const security = await hostService(issuer.definition, {
    env: { ...env, SECURITY_PORT: `${await freePort()}`, WEFT_ACCESS_LOG: "false" },
    logs: nowhere(),
  });
  parts.defer(() => security.stop());
  const queue = child("queue service", parts, signal);
  const worker = child("worker", parts, signal);
  await run(queue, "jobs-queue.ts", "open", { env });
  await run(worker, "jobs-worker.ts", "open", { env, concurrency });
  const sql = look(own("queue"), parts);
  return {
    name: "weft",
    enqueue: (amount) => run(worker, "jobs-worker.ts", "enqueue", amount),
    done: () => count(sql`select count(*)::int as count from jobs where state = 'done'`),
    cpuMicros: () => cpuOf([queue, worker]),
  };
}

async function startPgBoss(
  stores: Stores,
  parts: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Contender> {
  const admin = postgres(stores.postgresUrl, { max: 1, onnotice: () => {} });
  await admin`create database bench_pg_boss`;
  await admin.end();
  const url = databaseOf(stores, "bench_pg_boss");
  const boss = child("pg-boss", parts, signal);
  await run(boss, "jobs-pg-boss.ts", "open", { url, concurrency });
  const sql = look(url, parts);
  return {
    name: "pg-boss",
    enqueue: (amount) => run(boss, "jobs-pg-boss.ts", "enqueue", amount),
    done: () => count(sql`select count(*)::int as count from pgboss.job where state = 'completed'`),
    cpuMicros: () => cpuOf([boss]),
  };
}

function child(who: string, parts: AsyncDisposableStack, signal: AbortSignal): Child {
  const started = startChild(who, signal);
  parts.defer(() => started.stop());
  return started;
}

const run = async (of: Child, file: string, name: string, options: object): Promise<void> => {
  await of.ask("run", { module: urlOf(file), name, options: { ...options } });
};

function look(url: string, parts: AsyncDisposableStack): Sql {
  const sql = postgres(url, { max: 1 });
  parts.defer(() => sql.end());
  return sql;
}

const count = async (asked: Promise<readonly { count?: number }[]>): Promise<number> =>
  (await asked)[0]?.count ?? 0;

async function cpuOf(children: readonly Child[]): Promise<number> {
  const usages = await Promise.all(children.map((it) => it.ask("usage", {})));
  return usages.reduce((sum, { cpuMicros }) => sum + cpuMicros, 0);
}

const databaseOf = ({ postgresUrl }: Stores, name: string): string =>
  postgresUrl.replace(/\/[^/]*$/, `/${name}`);
