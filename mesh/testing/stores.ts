/** Where the test run's own PostgreSQL and NATS are; set up once for all test files. */
export interface TestStores {
  /** Without a database name. */
  readonly postgresUrl: string;
  readonly natsUrl: string;
}

export function testStores(): TestStores {
  const { WEFT_TEST_POSTGRES_URL: postgresUrl, WEFT_TEST_NATS_URL: natsUrl } = process.env;
  if (!postgresUrl || !natsUrl) {
    throw new Error("tests over real stores run under vitest.config.ts, which starts them");
  }
  return { postgresUrl: postgresUrl.replace(/\/[^/]*$/, ""), natsUrl };
}
