import { setTimeout as sleep } from "node:timers/promises";
import { fail } from "#mesh";
import type { Command } from "../command.ts";
import { readState } from "../state.ts";
import { print } from "../terminal.ts";

const longestMs = 40_000;

export const down: Command = {
  name: "down",
  summary: "Stop the platform of this checkout, wherever it was started",
  usage: "",
  run: async ({ workspace }) => {
    const state = await readState(workspace);
    if (!state) {
      print("Nothing runs in this checkout.");
      return 0;
    }
    process.kill(state.pid, "SIGTERM");
    const end = Date.now() + longestMs;
    while (isAlive(state.pid)) {
      if (Date.now() > end) {
        throw fail.deadline("not_stopped", `pid ${state.pid} still runs after ${longestMs / 1000} s`, {
          remedy: `look at its log, then end it with kill -9 ${state.pid}; nothing acknowledged is lost`,
        });
      }
      await sleep(50);
    }
    print("Stopped.");
    return 0;
  },
};

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
