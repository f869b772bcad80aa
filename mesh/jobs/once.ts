import type { Database } from "../db/database.ts";
import { fail } from "../errors.ts";
import { enterInbox, onceConsumer } from "../inbox/inbox-store.ts";
import type { Job } from "./job.ts";

export interface OnceOptions {
  /** Nothing for a service without a database. */
  readonly db: Database | undefined;
  /** Full name of the job's message. */
  readonly type: string;
  readonly id: string;
  /** Throws when the attempt was ended early: what it does then another may do as well. */
  readonly mustGoOn: () => void;
}

/** Sees to it that effects of a job happen once, over all its attempts. */
export function createOnce({ db, type, id, mustGoOn }: OnceOptions): Job["once"] {
  const steps = new Set<string>();
  return async (effect, step = "") => {
    if (!db) {
      throw fail.internal("no_database", `${type} has an effect that is to happen once, and no database`, {
        remedy: "give its service one",
      });
    }
    if (steps.has(step)) {
      throw fail.internal("once_twice", `${type} has two effects called "${step}" that are to happen once`, {
        remedy: "name each: `job.once(effect, name)`",
      });
    }
    steps.add(step);
    try {
      return await db.transaction(async (tx) => {
        mustGoOn();
        if (!(await enterInbox(tx, onceConsumer(type, step), id))) return false;
        await effect(tx);
        mustGoOn();
        return true;
      });
    } catch (error) {
      // Nothing happened, so the handler may try it again.
      steps.delete(step);
      throw error;
    }
  };
}
