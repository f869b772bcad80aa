import type { Sql, TransactionSql } from "postgres";
import { fail } from "../errors.ts";
import { postgres } from "./driver.ts";
import { retrying } from "./retrying.ts";

/** All that runs on it happens, or nothing. */
export type Transaction = TransactionSql<{ bigint: bigint }>;

/** Runs tagged-template SQL: the pool, or a transaction on it. */
export type Query = Sql<{ bigint: bigint }> | Transaction;

export interface Database {
  /** Runs a statement on any free connection. */
  readonly sql: Sql<{ bigint: bigint }>;
  /**
   * Runs a function in one transaction: all of it happens or nothing. Run again
   * when PostgreSQL asks for that (deadlock, serialisation failure), so the
   * function must do nothing outside the transaction.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Connections in use and waiting calls are PostgreSQL's to count; this is the most there can be. */
  readonly maxConnections: number;
  close(): Promise<void>;
}

const afterwards = new WeakMap<Query, Array<() => void>>();

/**
 * Runs a function once a transaction of `Database.transaction` is committed, if
 * it ever is. Tells whether it will: it cannot know of other transactions.
 */
export function afterCommit(tx: Query, run: () => void): boolean {
  const list = afterwards.get(tx);
  list?.push(run);
  return list !== undefined;
}

export interface DatabaseOptions {
  url: string;
  /** Shown in `pg_stat_activity`. */
  applicationName: string;
  /** Default 10. */
  maxConnections?: number;
  /** Longest time of one statement. Default 30 s. */
  statementTimeoutMs?: number;
}

export function openDatabase(options: DatabaseOptions): Database {
  const { url, applicationName, maxConnections = 10, statementTimeoutMs = 30_000 } = options;
  const sql = postgres(url, {
    max: maxConnections,
    idle_timeout: 60,
    connect_timeout: 5,
    max_lifetime: 60 * 60,
    types: { bigint: postgres.BigInt },
    transform: { column: { from: postgres.toCamel, to: postgres.fromCamel }, undefined: null },
    onnotice: () => {},
    connection: {
      application_name: applicationName,
      statement_timeout: statementTimeoutMs,
      idle_in_transaction_session_timeout: statementTimeoutMs,
      TimeZone: "UTC",
    },
  });

  return {
    sql,
    maxConnections,
    async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
      let committed: Array<() => void> = [];
      const result = (await retrying(() =>
        sql.begin((tx) => {
          committed = [];
          afterwards.set(tx, committed);
          return work(tx);
        }),
      )) as T;
      for (const run of committed) run();
      return result;
    },
    close: () => sql.end({ timeout: 5 }),
  };
}

/** Is this the violation of that unique constraint? */
export function violates(error: unknown, constraint: string): boolean {
  return error instanceof postgres.PostgresError && error.constraint_name === constraint;
}

/** The one row that a statement must have; `missing` otherwise. */
export function only<T>(rows: readonly T[], missing?: () => Error): T {
  const [row] = rows;
  if (row === undefined) throw missing?.() ?? fail.internal("no_row", "a statement returned no row");
  return row;
}
