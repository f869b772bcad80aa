import { join } from "node:path";
import type { EmbeddedEvent, Supervised } from "#embedded";
import { describeEvent, startNats, startPostgres } from "#embedded";
import type { Environment } from "#mesh";
import type { Workspace } from "../workspace.ts";

/** PostgreSQL and NATS: those that the environment names, or our own. */
export interface Infrastructure {
  readonly postgresUrl: string;
  readonly natsUrl: string;
  /** The servers that we run ourselves. */
  readonly own: readonly Supervised[];
  stop(): Promise<void>;
}

export interface InfrastructureOptions {
  workspace: Workspace;
  env: Environment;
  /** Told of what happens to our own servers. */
  tell: (text: string) => void;
}

export async function startInfrastructure({
  workspace,
  env,
  tell,
}: InfrastructureOptions): Promise<Infrastructure> {
  const fsync = env.WEFT_FSYNC !== "false";
  if (!fsync) tell("Stores that do not wait for the disk: a power cut may lose the data (WEFT_FSYNC=false)");
  const options = {
    // Not with the data: a downloaded server outlives `weft reset`.
    cacheDir: join(workspace.weft, "cache"),
    dataDir: workspace.data,
    logDir: workspace.logs,
    fsync,
    onEvent: (event: EmbeddedEvent) => tell(describeEvent(event)),
  };
  const starts = await Promise.allSettled([
    env.DATABASE_URL ? undefined : startPostgres(options),
    env.NATS_URL ? undefined : startNats(options),
  ]);
  const own = starts.flatMap((it) => (it.status === "fulfilled" && it.value ? [it.value] : []));
  const stop = async () => {
    await Promise.all(own.map((server) => server.stop()));
  };
  const failed = starts.find((it) => it.status === "rejected");
  if (failed) {
    await stop();
    throw failed.reason;
  }
  const urlOf = (name: Supervised["name"], given: string | undefined) =>
    given || (own.find((server) => server.name === name)?.url ?? "");
  return {
    postgresUrl: urlOf("postgres", env.DATABASE_URL),
    natsUrl: urlOf("nats", env.NATS_URL),
    own,
    stop,
  };
}
