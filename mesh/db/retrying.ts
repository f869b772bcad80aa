import { setTimeout as sleep } from "node:timers/promises";
import { sqlState } from "./sql-state.ts";

/** Serialisation failure and deadlock: nothing happened, and the next try may do it. */
const passing = new Set(["40001", "40P01"]);
const mostTries = 4;

/** Runs a statement or transaction, and again when PostgreSQL asks for that. */
export async function retrying<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!passing.has(sqlState(error)) || tries === mostTries) throw error;
      // Those who collided would collide again if they came back together.
      await sleep(Math.random() * 10 * 2 ** tries);
    }
  }
}
