import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { testStores } from "./stores.ts";

/** URL of a database that nobody else uses. It is not made yet. */
export function databaseUrl(name: string, suffix = randomBytes(6).toString("hex")): string {
  return `${testStores().postgresUrl}/test_${name.replaceAll("-", "_")}_${suffix}`;
}

export async function dropDatabases(urls: readonly string[]): Promise<void> {
  const sql = postgres(`${testStores().postgresUrl}/postgres`, { max: 1, onnotice: () => {} });
  for (const url of urls) {
    await sql`drop database if exists ${sql(new URL(url).pathname.slice(1))} with (force)`;
  }
  await sql.end();
}
