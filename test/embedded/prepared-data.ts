import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { postgresKind } from "../../embedded/postgres/postgres.ts";

let made: { folder: string; ready: Promise<unknown> } | undefined;

/**
 * Fills a data folder with a PostgreSQL cluster on which no server ever ran.
 * The cluster is made once for a worker and copied, in a fraction of the time.
 */
export async function prepareData(dataDir: string): Promise<void> {
  made ??= make();
  await made.ready;
  mkdirSync(dataDir, { recursive: true });
  await promisify(execFile)("cp", ["-a", `${made.folder}/.`, dataDir]);
}

function make(): { folder: string; ready: Promise<unknown> } {
  // Of the whole test run, which removes it.
  const folder = mkdtempSync(join(process.env.WEFT_TEST_FOLDER ?? "", "prepared-"));
  const logFile = join(folder, "postgres.log");
  const place = { dataDir: folder, logFile, fsync: false, report: () => {} };
  // No test cuts power: none need wait until a thousand files of its copy are on disk.
  const ready = postgresKind.prepare(place).then(() => rmSync(join(folder, "postgres.unsynced")));
  return { folder, ready };
}
