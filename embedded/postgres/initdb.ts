import { execFile } from "node:child_process";
import { chownSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Credentials } from "../credentials.ts";
import { serverEnvironment } from "../environment.ts";
import { diskFull, EmbeddedError, saysDiskFull } from "../errors.ts";
import type { Account } from "../process/account.ts";
import { launchAs } from "../process/run-as.ts";

export interface InitOptions {
  initdb: string;
  /** Where the cluster shall be; must not exist, or be empty. */
  cluster: string;
  credentials: Credentials;
  account: Account | undefined;
  /** Whether the cluster is on disk when it is there. */
  fsync: boolean;
}

/** Makes a cluster beside its place and then renames it: there is a whole one or none. */
export async function makeCluster(options: InitOptions): Promise<void> {
  const { cluster, credentials, account } = options;
  const parent = dirname(cluster);
  clearAttempts(parent);
  const draft = join(parent, `${draftPrefix}${process.pid}`);
  const passwordFile = `${draft}.password`;
  mkdirSync(draft, { mode: 0o700 });
  writeFileSync(passwordFile, credentials.password, { mode: 0o600 });
  try {
    if (account) for (const path of [draft, passwordFile]) chownSync(path, account.uid, account.gid);
    await init(draft, passwordFile, options);
    renameSync(draft, cluster);
  } finally {
    rmSync(passwordFile, { force: true });
    rmSync(draft, { recursive: true, force: true });
  }
}

const draftPrefix = "postgres.new-";

/** Drafts a killed start left behind: no server ever ran on them. We hold the lock, so none is in the making. */
function clearAttempts(parent: string): void {
  for (const entry of readdirSync(parent)) {
    if (entry.startsWith(draftPrefix)) rmSync(join(parent, entry), { recursive: true, force: true });
  }
}

/** Brings a whole cluster to disk on which a server ran that did not. */
export async function syncCluster({
  initdb,
  cluster,
  account,
}: Pick<InitOptions, "initdb" | "cluster" | "account">): Promise<void> {
  await run({ initdb, folder: cluster, needs: [cluster], account }, ["--sync-only", "--pgdata", cluster]);
}

async function init(draft: string, passwordFile: string, options: InitOptions): Promise<void> {
  const { initdb, credentials, account, fsync } = options;
  // C.UTF-8 of the builtin provider sorts the same everywhere and never changes with the system's libc.
  const args = [
    ["--pgdata", draft],
    ["--username", credentials.user],
    ["--pwfile", passwordFile],
    ["--auth", "scram-sha-256"],
    ["--encoding", "UTF8"],
    ["--locale-provider", "builtin"],
    ["--builtin-locale", "C.UTF-8"],
    ["--locale", "C"],
    ["--no-instructions"],
    fsync ? [] : ["--no-sync"],
  ].flat();
  await run({ initdb, folder: draft, needs: [draft, passwordFile], account }, args);
}

interface Run {
  initdb: string;
  /** Where it works. */
  folder: string;
  needs: string[];
  account: Account | undefined;
}

async function run({ initdb, folder, needs, account }: Run, args: string[]): Promise<void> {
  const options = { account, needs: [initdb, ...needs], partingSignal: "SIGTERM" } as const;
  const { command, args: all, ...ids } = launchAs(initdb, args, options);
  try {
    await promisify(execFile)(command, all, {
      ...ids,
      cwd: folder,
      env: serverEnvironment(),
      timeout: 120_000,
    });
  } catch (cause) {
    const output = cause instanceof Error && "stderr" in cause ? String(cause.stderr) : String(cause);
    if (saysDiskFull.test(output)) throw diskFull(folder, cause);
    const complaint =
      output.split("\n").find((line) => /error|fatal|could not|setpriv/i.test(line)) ?? output.trim();
    const code = complaint.startsWith("setpriv:") ? "root_refused" : "start_failed";
    throw new EmbeddedError(code, `initdb could not make ${dirname(folder)}: ${complaint}`, {
      remedy: account ? "start weft as a normal user, or set DATABASE_URL" : "mend that, or set DATABASE_URL",
      cause,
    });
  }
}
