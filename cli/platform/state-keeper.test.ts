import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { markOf } from "#embedded";
import type { PlatformState } from "../state.ts";
import { readState } from "../state.ts";
import { openWorkspace } from "../workspace.ts";
import { createStateKeeper } from "./state-keeper.ts";

const dir = mkdtempSync(join(tmpdir(), "weft-state-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const workspace = openWorkspace({ WEFT_DIR: dir });

const stateWith = (pid: number) =>
  ({ process: markOf(process.pid), services: { user: { url: "", pid } } }) as unknown as PlatformState;

test("the state file tells of each restart, and is not written again once it is taken away", async () => {
  let pid = 1;
  const keeper = createStateKeeper(workspace, () => stateWith(pid));
  await keeper.refresh();
  const refreshes = [2, 3, 4].map((next) => {
    pid = next;
    return keeper.refresh();
  });
  await Promise.all(refreshes);
  expect((await readState(workspace))?.services.user?.pid).toBe(4);

  const last = [keeper.refresh(), keeper.close(), keeper.refresh()];
  await Promise.all(last);
  expect(existsSync(workspace.stateFile)).toBe(false);
});
