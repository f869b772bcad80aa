import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openDatabase } from "#mesh/db/database.ts";
import { migrate } from "#mesh/db/migrate.ts";
import { provisionDatabase } from "#mesh/db/provision.ts";
import { createLogger } from "#mesh/log/logger.ts";
import type { Crew } from "./crew.ts";
import { databaseOf, startCrew } from "./crew.ts";
import type { Operation } from "./history.ts";
import { operationsOf } from "./history.ts";
import type { Observer } from "./observe.ts";
import { consumers, openObserver } from "./observe.ts";
import { crew as names } from "./plan.ts";
import type { StoreServer } from "./stores.ts";
import { startNatsServer, startPostgresServer } from "./stores.ts";

/** Stores and processes of one run, all its own. */
export interface Arena extends AsyncDisposable {
  readonly folder: string;
  readonly nats: StoreServer;
  readonly postgres: StoreServer;
  readonly crew: Crew;
  readonly observer: Observer;
  /** Leaves the stream room for so many bytes more than it has, or as much as usual. */
  limit(room: number | undefined): Promise<void>;
  /** What publishers have noted of their changes. */
  operations(): Operation[];
  /** Waits until nothing is left to do; gives how long that took. */
  drain(withinMs: number): Promise<number>;
}

export interface ArenaOptions {
  /** Changes of all publishers together. */
  readonly perSecond: number;
  readonly aggregates?: number;
  /** Leaves logs and data for a look. */
  readonly keep?: boolean;
}

const usualBytes = 512 * 1024 * 1024;
/**
 * Shorter than usual, so that what a killed process had in hand does not hold up
 * the end; longer than the time between two signs of life of a consumer.
 */
const ackWaitMs = 12_000;
const readyMs = 20_000;
const lookMs = 250;
const log = createLogger({ service: "arena", level: "silent", contracts: [] });
const noMigrations = new URL("../../mesh/testing/no-migrations/", import.meta.url);

export async function openArena(options: ArenaOptions): Promise<Arena> {
  const { perSecond, aggregates = 50, keep = false } = options;
  const folder = mkdtempSync(join(tmpdir(), "weft-chaos-"));
  const opened: Array<() => Promise<void>> = [];
  const close = async () => {
    for (const end of opened.reverse()) await end();
    if (!keep) rmSync(folder, { recursive: true, force: true });
  };
  try {
    const [postgres, nats] = await Promise.all([startPostgresServer(folder), startNatsServer(folder)]);
    opened.push(postgres.stop, nats.stop);
    await prepare(postgres.url, aggregates);
    const observer = await openObserver(postgres, nats);
    opened.push(() => observer.close());
    const crew = await startCrew({
      folder,
      nats,
      postgres,
      aggregates,
      perSecond,
      maxBytes: usualBytes,
    });
    opened.push(() => crew.stop());
    await until(readyMs, async () => {
      await observer.hurry(ackWaitMs);
      return (await observer.backlog()).lastSequence > 0;
    });

    const operations = () =>
      names.flatMap((name) => {
        try {
          return operationsOf(readFileSync(join(folder, `${name}.history`), "utf8"));
        } catch (error) {
          // Consumers have none.
          if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
          throw error;
        }
      });
    return {
      folder,
      nats,
      postgres,
      crew,
      observer,
      operations,
      async limit(room) {
        // When NATS is away now, the next one to look does it.
        const bytes = room === undefined ? usualBytes : await observer.bytes().catch(() => undefined);
        if (bytes === undefined) return;
        const most = bytes + (room ?? 0);
        crew.resize(most);
        await observer.limitStream(most).catch(() => {});
      },
      async drain(withinMs) {
        const fromMs = performance.now();
        await until(withinMs, async () => {
          const { outbox, consumers: lags, lastSequence } = await observer.backlog();
          const isDone = [...lags.values()].every(
            ({ waiting, inHand, position }) =>
              waiting === 0 && inHand === 0 && (position ?? lastSequence) === lastSequence,
          );
          return outbox === 0 && isDone;
        });
        return performance.now() - fromMs;
      },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** False when it was not within the time; what cannot be asked now is asked again. */
async function until(withinMs: number, holds: () => Promise<boolean>): Promise<boolean> {
  const untilMs = performance.now() + withinMs;
  while (performance.now() < untilMs) {
    if (await holds().catch(() => false)) return true;
    await sleep(lookMs);
  }
  return false;
}

async function prepare(url: string, aggregates: number): Promise<void> {
  for (const service of ["publisher", ...consumers]) {
    const of = databaseOf(service, url);
    await provisionDatabase({ url: of, log, waitMs: 10_000 });
    const db = openDatabase({ url: of, applicationName: "chaos" });
    await migrate(db, noMigrations, log);
    if (service === "publisher") {
      await db.sql`create table aggregates (id text primary key, version bigint not null)`;
      await db.sql`
        insert into aggregates select 'aggregate-' || n, 0 from generate_series(0, ${aggregates - 1}) n`;
    } else {
      await db.sql`
        create table effects (
          position bigserial, event_id uuid not null, op uuid not null, aggregate text not null,
          version bigint not null)`;
    }
    await db.close();
  }
}
