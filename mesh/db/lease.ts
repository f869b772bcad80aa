import type { Logger } from "../log/logger.ts";
import type { Database } from "./database.ts";

export interface LeaseOptions {
  db: Database;
  /** What only one instance does at a time. */
  name: string;
  /** This instance. */
  holder: string;
  log: Logger;
  /** How long after its last word a holder is taken for dead. Default: 3 s. */
  ttlMs?: number;
  /** Told that it is ours, with a number that is greater than that of all before. */
  won: (epoch: bigint) => void;
  /** Told that it may be somebody else's. */
  lost: () => void;
}

export interface Lease {
  /** Gives it up, so that another instance need not wait. */
  release(): Promise<void>;
}

/**
 * Takes part in the choice of the one instance that does something, over the
 * clock of the database. A holder that was paused may still believe to be one:
 * what must not happen twice is to be checked against the fence as well.
 */
export function holdLease(options: LeaseOptions): Lease {
  const { db, name, holder, log, ttlMs = 3000, won, lost } = options;
  let heldUntilMs = 0;
  let isHeld = false;
  /** Also while nobody was told yet. */
  let isWritten = false;
  let released = false;
  let failing = false;

  const lose = () => {
    if (!isHeld) return;
    isHeld = false;
    lost();
  };

  const turn = async () => {
    const askedMs = performance.now();
    try {
      const epoch = isHeld ? await renew(db, name, holder, ttlMs) : await acquire(db, name, holder, ttlMs);
      failing = false;
      isWritten = epoch !== undefined;
      if (released) return;
      if (epoch === undefined) return lose();
      heldUntilMs = askedMs + ttlMs;
      if (isHeld) return;
      isHeld = true;
      won(epoch);
    } catch (err) {
      if (!failing) log.warn({ err }, `cannot ask the database who does "${name}" now; tried again`);
      failing = true;
      if (performance.now() > heldUntilMs) lose();
    }
  };

  let timer: NodeJS.Timeout | undefined;
  let turning = Promise.resolve();
  const run = () => {
    turning = turn().then(() => {
      if (!released) timer = setTimeout(run, ttlMs / 3).unref();
    });
  };
  run();

  return {
    async release() {
      released = true;
      clearTimeout(timer);
      await turning;
      lose();
      if (!isWritten) return;
      await db.sql`delete from weft_leases where name = ${name} and holder = ${holder}`.catch(
        (err: unknown) => {
          log.debug({ err }, `the lease "${name}" runs out by itself`);
        },
      );
    },
  };
}

async function acquire(
  db: Database,
  name: string,
  holder: string,
  ttlMs: number,
): Promise<bigint | undefined> {
  return db.transaction(async (tx) => {
    const taken = await tx`
      insert into weft_leases (name, holder, until)
      values (${name}, ${holder}, clock_timestamp() + ${ttlMs} * interval '1 ms')
      on conflict (name) do update set holder = excluded.holder, until = excluded.until
      where weft_leases.until < clock_timestamp() or weft_leases.holder = excluded.holder
      returning 1`;
    if (taken.count === 0) return undefined;
    // Waits for what the last holder has under way.
    const [fence] = await tx<{ epoch: bigint }[]>`
      insert into weft_fences (name, epoch) values (${name}, 1)
      on conflict (name) do update set epoch = weft_fences.epoch + 1
      returning epoch`;
    return fence?.epoch;
  });
}

async function renew(db: Database, name: string, holder: string, ttlMs: number): Promise<bigint | undefined> {
  const [held] = await db.sql<{ epoch: bigint }[]>`
    update weft_leases l set until = clock_timestamp() + ${ttlMs} * interval '1 ms'
    from weft_fences f
    where l.name = ${name} and l.holder = ${holder} and f.name = l.name
    returning f.epoch`;
  return held?.epoch;
}
