import type { Database, Query } from "#mesh";
import { afterCommit, sqlState } from "#mesh";
import { lockFigures } from "./figures-lock.ts";
import type { Month } from "./months.ts";
import { endOf, monthOf, monthsFrom } from "./months.ts";

export interface Partitions {
  /** Makes what is missing for these times, in the transaction, which holds the lock of figures. */
  ensure(tx: Query, times: readonly Date[]): Promise<void>;
  /** Makes those of this month and the next ones. */
  prepare(): Promise<void>;
  /** Drops what ended before; gives back how many. */
  dropBefore(time: Date): Promise<number>;
}

const tables = ["facts", "rollups", "active"] as const;
const monthsAhead = 2;
/** A partition that somebody reads is dropped next time: those behind us would wait for as long. */
const patienceMs = 200;
const lockNotAvailable = "55P03";

/** Partitions by month of all that has a time. */
export function createPartitions(db: Database, now: () => number): Partitions {
  const known = new Set<string>();

  const make = async (tx: Query, month: Month) => {
    for (const table of await partitioned(tx)) {
      const name = `${table}_${month.name}`;
      const [there] = await tx<{ it: string | null }[]>`select to_regclass(${name})::text as it`;
      if (there?.it) continue;
      // To attach one takes a lock that readers and writers of the others do not notice.
      await tx`create table ${tx(name)} (like ${tx(table)} including all)`;
      const [from, until] = [month.from.toISOString(), month.until.toISOString()];
      await tx.unsafe(
        `alter table ${table} attach partition ${name} for values from ('${from}') to ('${until}')`,
      );
    }
  };

  const ensureMonths = async (tx: Query, months: readonly Month[]) => {
    const missing = new Map(months.filter(({ name }) => !known.has(name)).map((it) => [it.name, it]));
    for (const month of missing.values()) {
      await make(tx, month);
      afterCommit(tx, () => known.add(month.name));
    }
  };

  return {
    ensure: (tx, times) =>
      ensureMonths(
        tx,
        times.map((it) => monthOf(it.getTime())),
      ),

    prepare: () =>
      db.transaction(async (tx) => {
        await lockFigures(tx);
        await ensureMonths(tx, monthsFrom(now(), monthsAhead));
      }),

    async dropBefore(time) {
      let dropped = 0;
      for (const table of await partitioned(db.sql)) {
        const partitions = await db.sql<{ name: string }[]>`
          select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
          where i.inhparent = ${table}::regclass order by c.relname`;
        for (const { name } of partitions) {
          const month = name.slice(table.length + 1);
          const end = endOf(month);
          if (!end || end > time) continue;
          known.delete(month);
          if (await dropSoon(name)) dropped++;
        }
      }
      if (await isHypertable(db.sql)) {
        const gone = await db.sql`select drop_chunks('facts', older_than => ${time}::timestamptz)`;
        dropped += gone.count;
      }
      return dropped;
    },
  };

  async function dropSoon(name: string): Promise<boolean> {
    try {
      await db.transaction(async (tx) => {
        await tx.unsafe(`set local lock_timeout = ${patienceMs}`);
        await tx`drop table if exists ${tx(name)}`;
      });
      return true;
    } catch (error) {
      if (sqlState(error) === lockNotAvailable) return false;
      throw error;
    }
  }
}

const isHypertable = async (query: Query) => {
  const [row] = await query<{ relkind: string }[]>`
    select relkind::text from pg_class where oid = 'facts'::regclass`;
  return row?.relkind !== "p";
};

const partitioned = async (query: Query): Promise<readonly string[]> =>
  (await isHypertable(query)) ? tables.filter((it) => it !== "facts") : tables;
