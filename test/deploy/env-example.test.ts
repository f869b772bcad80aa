import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadCatalog } from "../../cli/catalog.ts";
import { renderEnvExample } from "../../cli/env-example.ts";
import { openWorkspace } from "../../cli/workspace.ts";

test(".env.example lists every variable that the mesh and the services read", async () => {
  const workspace = openWorkspace();
  const written = readFileSync(join(workspace.root, ".env.example"), "utf8");
  expect(written).toBe(renderEnvExample(await loadCatalog(workspace)));
  expect(written).toContain("# DATABASE_URL=");
  expect(written).toContain("# SECURITY_MASTER_KEY=");
});
