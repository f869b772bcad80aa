import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{bench,cli,embedded,gateway,mesh,services,test,tools}/**/*.test.ts"],
    exclude: ["**/node_modules/**"],
    globalSetup: ["test/stores.setup.ts"],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // Real servers and two cores: more workers would only wait for each other.
    maxWorkers: 2,
  },
});
