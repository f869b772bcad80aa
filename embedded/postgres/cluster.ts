import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { EmbeddedError, errnoOf, fromSystem, mendData } from "../errors.ts";

const majorVersion = "18";

/** PostgreSQL's own size of the control file, all versions since 9.4. */
const controlFileSize = 8192;

/** Looks whether the folder holds a whole cluster of our version. False when there is none at all. */
export function hasCluster(folder: string): boolean {
  let entries: string[];
  try {
    entries = readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw fromSystem(error, folder);
  }
  if (entries.length === 0) return false;
  const version = read(join(folder, "PG_VERSION"));
  if (version === undefined) {
    throw new EmbeddedError(
      "data_incomplete",
      `${folder} is not a whole PostgreSQL folder: PG_VERSION is missing`,
      {
        remedy: mendData,
      },
    );
  }
  if (version !== majorVersion) {
    throw new EmbeddedError(
      "data_version",
      `${folder} was made by PostgreSQL ${version}, ours is ${majorVersion}`,
      {
        remedy:
          "dump it with that version and load it again, or run `weft reset` to start empty; nothing was deleted",
      },
    );
  }
  const control = join(folder, "global", "pg_control");
  if (statSync(control, { throwIfNoEntry: false })?.size !== controlFileSize) {
    throw new EmbeddedError("data_corrupt", `${control} is missing or damaged`, { remedy: mendData });
  }
  return true;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw fromSystem(error, path);
  }
}
