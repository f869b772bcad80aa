import type { Database, Query } from "#mesh";
import { afterCommit } from "#mesh";

/** Changes of state, of which somebody must be told. */
export interface WriteStore {
  /** One transaction; once it holds, those who tell others are woken. */
  write<T>(work: (tx: Query) => Promise<T>): Promise<T>;
  /** The same for a transaction that somebody else began. */
  tellAfter(tx: Query): void;
}

export function createWriteStore(db: Database, tellers: readonly { wake(): void }[]): WriteStore {
  const tell = () => {
    for (const teller of tellers) teller.wake();
  };
  return {
    async write(work) {
      const result = await db.transaction(work);
      tell();
      return result;
    },
    tellAfter: (tx) => void afterCommit(tx, tell),
  };
}
