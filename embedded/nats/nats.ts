import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Credentials } from "../credentials.ts";
import { newCredentials, readCredentials, writeCredentials } from "../credentials.ts";
import { serverEnvironment } from "../environment.ts";
import { explainFailure } from "../explain.ts";
import { logSince, logSize } from "../log-file.ts";
import { freePort } from "../ports.ts";
import { makeFolder, writePrivate } from "../private-file.ts";
import { ownerOf } from "../process/account.ts";
import { spawnChild } from "../process/child.ts";
import { launchAs } from "../process/run-as.ts";
import { clearRun, findOrphan, recordRun, stopOrphan } from "../process/run-file.ts";
import type { Place, Prepared, ServerKind } from "../server.ts";
import type { Program } from "../supervisor.ts";
import { describeExit } from "../supervisor.ts";
import { natsBinary } from "./binary.ts";
import { natsConfig } from "./config.ts";
import { probeNats } from "./probe.ts";

const stopSteps = [
  { signal: "SIGTERM", waitMs: 10_000 },
  { signal: "SIGKILL", waitMs: 1000 },
] as const;

interface Store extends Place {
  folder: string;
  configFile: string;
  runFile: string;
  binary: string;
  serverName: string;
}

/** nats-server with JetStream, its streams in `nats/` and its password in `nats.json` beside it. */
export function natsKind(cacheDir?: string): ServerKind {
  return { name: "nats", usualPort: 14_222, prepare: (place) => prepare(place, cacheDir) };
}

async function prepare(place: Place, cacheDir: string | undefined): Promise<Prepared> {
  const { dataDir, report } = place;
  const folder = join(dataDir, "nats");
  const secrets = natsSecrets(dataDir);
  const runFile = join(dataDir, "nats.run");
  const what = "nats-server";
  const binary = await natsBinary(cacheDir ?? join(dataDir, "cache"), (received, total) =>
    report({ type: "downloading", what, received, total }),
  );
  makeFolder(folder, 0o700);
  // The probe tells our server from another checkout's by this name.
  const serverName = `weft-${createHash("sha256").update(dataDir).digest("hex").slice(0, 12)}`;
  const store: Store = {
    ...place,
    folder,
    configFile: join(dataDir, "nats.conf"),
    runFile,
    binary,
    serverName,
  };
  const known = readCredentials(secrets);
  const credentials = known ?? newCredentials();
  await endOrphan(store);
  return {
    lastPort: credentials.port,
    async listenOn(port) {
      if (credentials.port !== port) writeCredentials(secrets, { ...credentials, port });
      return { program: program(store, credentials, port), url: natsUrl(credentials, port) };
    },
  };
}

const natsSecrets = (dataDir: string) => join(dataDir, "nats.json");

export const natsUrl = ({ user, password }: Credentials, port: number) =>
  `nats://${user}:${password}@127.0.0.1:${port}`;

function program(store: Store, credentials: Credentials, port: number): Program {
  const { dataDir, folder, configFile, runFile, logFile, binary, serverName, dieWithParent, fsync } = store;
  let logFrom = 0;
  return {
    stopSteps,
    async launch() {
      await endOrphan(store);
      const monitorPort = await freePort();
      const place = { serverName, port, monitorPort, storeDir: folder };
      writePrivate(configFile, natsConfig({ ...place, credentials, fsync }));
      logFrom = logSize(logFile);
      const launch = launchAs(binary, ["-c", configFile], {
        account: ownerOf([dataDir]),
        needs: [binary, configFile],
        partingSignal: "SIGTERM",
        dieWithParent,
      });
      const env = serverEnvironment();
      const child = await spawnChild({ launch, cwd: dataDir, env, logFile, partingSignal: "SIGTERM" });
      recordRun(runFile, child.pid);
      void child.exited.then(() => clearRun(runFile));
      return child;
    },
    probe: (_, signal) => probeNats({ serverName, port, credentials }, signal),
    explain: (exit) =>
      explainFailure({
        server: "nats",
        log: logSince(logFile, logFrom),
        logFile,
        dataDir: folder,
        port,
        exit: describeExit(exit),
      }),
  };
}

async function endOrphan({ configFile, runFile, report }: Store): Promise<void> {
  const orphan = findOrphan(runFile, configFile);
  if (!orphan) return;
  await stopOrphan(orphan, stopSteps);
  report({ type: "orphan-stopped", pid: orphan.pid });
}
