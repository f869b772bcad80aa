import { setTimeout as sleep } from "node:timers/promises";
import { sqlState } from "#mesh";

/** Deadlock and serialisation failure: nothing happened, and the next try may do it. */
const passing = new Set(["40P01", "40001"]);
const mostTries = 4;

/** Runs one statement, and again when PostgreSQL asks for that, as transactions are. */
export async function retrying<T>(statement: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await statement();
    } catch (error) {
      if (!passing.has(sqlState(error)) || tries === mostTries) throw error;
      await sleep(Math.random() * 10 * 2 ** tries);
    }
  }
}
