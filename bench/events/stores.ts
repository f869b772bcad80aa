import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbedded } from "../../embedded/index.ts";
import { freePort } from "../../mesh/testing/free-port.ts";

/** A PostgreSQL and a NATS server for one run, as `weft up` sets them up. */
export interface Stores extends AsyncDisposable {
  readonly postgresUrl: string;
  readonly natsUrl: string;
}

export async function startStores(): Promise<Stores> {
  const folder = await mkdtemp(join(tmpdir(), "weft-bench-"));
  const embedded = await startEmbedded({
    dataDir: join(folder, "data"),
    logDir: join(folder, "logs"),
    cacheDir: join(import.meta.dirname, "../../.weft/cache"),
    postgresPort: await freePort(),
    natsPort: await freePort(),
  });
  return {
    postgresUrl: embedded.postgresUrl,
    natsUrl: embedded.natsUrl,
    async [Symbol.asyncDispose]() {
      await embedded.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
