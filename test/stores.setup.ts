import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbedded } from "#embedded";

/**
 * PostgreSQL and NATS of this test run alone: on free ports, in a temporary
 * folder. Test files make databases and buckets of their own in them.
 */
export async function setup(): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), "weft-stores-"));
  // Tests kill servers, and cut no power: how slow this machine's disk is shall not matter to them.
  process.env.WEFT_FSYNC = "false";
  const stores = await startEmbedded({
    dataDir: join(folder, "data"),
    logDir: join(folder, "logs"),
    fsync: false,
  });
  process.env.WEFT_TEST_FOLDER = folder;
  process.env.WEFT_TEST_POSTGRES_URL = stores.postgresUrl;
  process.env.WEFT_TEST_NATS_URL = stores.natsUrl;
  return async () => {
    await stores.stop();
    rmSync(folder, { recursive: true, force: true });
  };
}
