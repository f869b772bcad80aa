import { createRequire, registerHooks } from "node:module";
import type Postgres from "postgres";

/**
 * The client for PostgreSQL, mended as it is loaded. As released (3.4.9), when a
 * connection breaks in the middle of a transaction, one of three things may
 * happen: the process ends by an error that nobody can catch (its issues 1066,
 * 1154, 1208); the connection keeps the rest of what it was to send, and never
 * works again; or what the transaction does next is done on the connection that
 * follows, outside of any transaction. Nobody who rests on transactions can
 * live with the last. To be dropped when a release has it all.
 *
 * Taken from its CommonJS build, so that nobody else in this process can have
 * loaded it before, unmended.
 */
interface Repair {
  readonly file: string;
  /** Stands in it once. */
  readonly at: string;
  readonly instead: string;
}

const repairs: readonly Repair[] = [
  {
    // A write that was put off may find that the socket is gone.
    file: "connection.js",
    at: "const x = socket.write(chunk, fn)",
    instead: `if (!socket) { chunk = nextWriteTimer = null; rejectAll(); return false }
    const x = socket.write(chunk, fn)`,
  },
  {
    // Nothing of one connection is left to the next: neither bytes nor queries that wait for an answer.
    file: "connection.js",
    at: "async function closed(hadError) {",
    instead:
      "async function closed(hadError) { clearImmediate(nextWriteTimer); chunk = nextWriteTimer = null;",
  },
  {
    file: "connection.js",
    at: "!hadError && (query || sent.length) && error(Errors.connection('CONNECTION_CLOSED', options, socket))",
    instead: "rejectAll()",
  },
  {
    file: "connection.js",
    at: "function errored(err) {",
    instead: `function rejectAll() {
    const lost = Errors.connection('CONNECTION_CLOSED', options, socket);
    if (stream) { stream.destroy(lost); stream = null }
    if (query) queryError(query, lost);
    while (sent.length) queryError(sent.shift(), lost);
    query = results = errorResponse = null;
    result = new Result()
  }
  function errored(err) {`,
  },
  {
    // A transaction ends with its connection, whatever else is asked of it.
    file: "index.js",
    at: "connection.onclose = reject)",
    instead: "connection.onclose = error => reject(lost = error))",
  },
  { file: "index.js", at: "let savepoints = 0", instead: "let lost; let savepoints = 0" },
  {
    file: "index.js",
    at: "q.catch(e => uncaughtError || (uncaughtError = e))",
    instead: "q.catch(e => uncaughtError || (uncaughtError = e)); if (lost) return q.reject(lost)",
  },
];

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

export const postgres = createRequire(import.meta.url)("postgres") as typeof Postgres;
hooks.deregister();
