import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Credentials } from "../credentials.ts";
import { newCredentials, readCredentials, writeCredentials } from "../credentials.ts";
import { serverEnvironment } from "../environment.ts";
import { EmbeddedError, mendData } from "../errors.ts";
import { explainFailure } from "../explain.ts";
import { logSince, logSize } from "../log-file.ts";
import type { Account } from "../process/account.ts";
import { unprivilegedAccount } from "../process/account.ts";
import { spawnChild } from "../process/child.ts";
import { launchAs } from "../process/run-as.ts";
import { clearRun, findOrphan, recordRun, stopOrphan } from "../process/run-file.ts";
import type { Place, Prepared, ServerKind } from "../server.ts";
import type { Program } from "../supervisor.ts";
import { describeExit } from "../supervisor.ts";
import type { PostgresBinaries } from "./binaries.ts";
import { postgresBinaries } from "./binaries.ts";
import { hasCluster } from "./cluster.ts";
import { makeCluster, syncCluster } from "./initdb.ts";
import { dropStalePostmaster, findPostmaster } from "./postmaster-file.ts";
import { probePostgres } from "./probe.ts";
import { postgresSettings } from "./settings.ts";
import { endStragglers } from "./stragglers.ts";

/** Fast shutdown, then an immediate one with recovery at the next start, then none of its choosing. */
const stopSteps = [
  { signal: "SIGINT", waitMs: 10_000 },
  { signal: "SIGQUIT", waitMs: 3000 },
  { signal: "SIGKILL", waitMs: 1000 },
] as const;

interface Cluster extends Place {
  folder: string;
  runFile: string;
  binaries: PostgresBinaries;
  account: Account | undefined;
}

/** PostgreSQL, with its data in `postgres/` and its password in `postgres.json` beside it. */
export const postgresKind: ServerKind = {
  name: "postgres",
  usualPort: 15_432,
  async prepare(place: Place): Promise<Prepared> {
    const { dataDir, fsync, report } = place;
    const folder = join(dataDir, "postgres");
    const secrets = postgresSecrets(dataDir);
    const account = unprivilegedAccount([folder, dataDir]);
    const binaries = await postgresBinaries();
    const cluster: Cluster = { ...place, folder, runFile: join(dataDir, "postgres.run"), binaries, account };

    if (!hasCluster(folder)) {
      report({ type: "initialising" });
      const fresh = newCredentials();
      writeCredentials(secrets, fresh);
      await makeCluster({ initdb: binaries.initdb, cluster: folder, credentials: fresh, account, fsync });
    }
    const credentials = readCredentials(secrets);
    if (!credentials) {
      throw new EmbeddedError(
        "data_incomplete",
        `${secrets}, which holds the password of ${folder}, is missing`,
        {
          remedy: mendData,
        },
      );
    }
    await endEarlierLife(cluster);
    await bringToDisk(cluster);
    return {
      lastPort: credentials.port,
      async listenOn(port) {
        if (credentials.port !== port) writeCredentials(secrets, { ...credentials, port });
        return { program: program(cluster, credentials, port), url: postgresUrl(credentials, port) };
      },
    };
  },
};

const postgresSecrets = (dataDir: string) => join(dataDir, "postgres.json");

/** Names the database `postgres`, which is always there. */
export const postgresUrl = ({ user, password }: Credentials, port: number) =>
  `postgres://${user}:${password}@127.0.0.1:${port}/postgres`;

function program(cluster: Cluster, credentials: Credentials, port: number): Program {
  const { folder, runFile, logFile, binaries, account, dieWithParent, fsync } = cluster;
  let logFrom = 0;
  return {
    stopSteps,
    async launch() {
      await endEarlierLife(cluster);
      logFrom = logSize(logFile);
      const launch = launchAs(binaries.postgres, ["-D", folder, ...postgresSettings(port, fsync)], {
        account,
        needs: [binaries.postgres, folder],
        partingSignal: "SIGINT",
        dieWithParent,
      });
      const env = serverEnvironment();
      const child = await spawnChild({ launch, cwd: folder, env, logFile, partingSignal: "SIGINT" });
      recordRun(runFile, child.pid);
      void child.exited.then(() => clearRun(runFile));
      return child;
    },
    probe: (child, signal) => probePostgres({ cluster: folder, port, credentials }, child, signal),
    explain: (exit) =>
      explainFailure({
        server: "postgres",
        log: logSince(logFile, logFrom),
        logFile,
        dataDir: folder,
        port,
        exit: describeExit(exit),
      }),
  };
}

/** What was written without waiting for the disk may not be there yet, and later checkpoints pass it over. */
async function bringToDisk({ folder, dataDir, binaries, account, fsync }: Cluster): Promise<void> {
  const mark = join(dataDir, "postgres.unsynced");
  if (!fsync) return writeFileSync(mark, "");
  if (!existsSync(mark)) return;
  await syncCluster({ initdb: binaries.initdb, cluster: folder, account });
  rmSync(mark);
}

/** Also before every restart: what a killed postmaster left must be gone. */
async function endEarlierLife({ folder, runFile, report }: Cluster): Promise<void> {
  if (!existsSync(folder)) return;
  const orphan = findOrphan(runFile, folder) ?? findPostmaster(folder);
  if (orphan) {
    await stopOrphan(orphan, stopSteps);
    report({ type: "orphan-stopped", pid: orphan.pid });
  }
  await endStragglers(folder);
  dropStalePostmaster(folder);
}
