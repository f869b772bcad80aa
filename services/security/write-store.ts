import type { Database, Query } from "#mesh";

/** Changes of state, of which somebody must be told. */
export interface WriteStore {
  /** One transaction; once it holds, those who tell others are woken. */
  write<T>(work: (tx: Query) => Promise<T>): Promise<T>;
}

export function createWriteStore(db: Database, tellers: readonly { wake(): void }[]): WriteStore {
  return {
    async write(work) {
      const result = await db.transaction(work);
      for (const teller of tellers) teller.wake();
      return result;
    },
  };
}
