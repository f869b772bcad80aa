import { postgres } from "./driver.ts";

/** PostgreSQL's error code, such as `23505` for a unique violation; empty for other errors. */
export function sqlState(error: unknown): string {
  return error instanceof postgres.PostgresError ? error.code : "";
}
