import { createRequire, registerHooks } from "node:module";
import type Postgres from "postgres";
import { repairs } from "./driver-repairs.ts";

const place = "/node_modules/postgres/cjs/src/";

function mended(url: string, source: string): string {
  const file = url.slice(url.indexOf(place) + place.length);
  return repairs
    .filter((repair) => repair.file === file)
    .reduce((text, { at, instead }) => {
      const parts = text.split(at);
      if (parts.length !== 2) throw new Error(`${url} is not the version that mesh/db/driver.ts mends`);
      return parts.join(instead);
    }, source);
}

const hooks = registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.includes(place) || !loaded.source) return loaded;
    return { ...loaded, source: mended(url, Buffer.from(loaded.source as Uint8Array).toString()) };
  },
});

/**
 * The client for PostgreSQL, mended as it is loaded. As released (3.4.9), when a
 * connection breaks in the middle of a transaction, one of three things may
 * happen: the process ends by an error that nobody can catch (its issues 1066,
 * 1154, 1208); the connection keeps the rest of what it was to send, and never
 * works again; or what the transaction does next is done on the connection that
 * follows, outside of any transaction. Nobody who rests on transactions can
 * live with the last. It also forgets who waits for a connection when that had
 * to be made anew. To be dropped when a release has it all. Beside that, BEGIN
 * goes with the first statement of a transaction (`driver-repairs.ts`).
 *
 * Taken from its CommonJS build, so that nobody else in this process can have
 * loaded it before, unmended.
 */
export const postgres = createRequire(import.meta.url)("postgres") as typeof Postgres;
hooks.deregister();
