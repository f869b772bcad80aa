import { defineConfig } from "vitest/config";
import { SlowestFirst } from "./tools/slowest-first.ts";

export default defineConfig({
  test: {
    include: ["{bench,cli,embedded,gateway,mesh,services,test,tools}/**/*.test.ts"],
    exclude: ["**/node_modules/**"],
    globalSetup: ["test/stores.setup.ts"],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // For two cores: a third of the time tests wait, for servers and for clocks.
    maxWorkers: 3,
    // A worker does file after file: to load the mesh anew for each took a quarter of all CPU.
    isolate: false,
    sequence: { sequencer: SlowestFirst },
  },
});
