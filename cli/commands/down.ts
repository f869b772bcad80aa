import { setTimeout as sleep } from "node:timers/promises";
import { isAlive } from "#embedded";
import { fail } from "#mesh/errors.ts";
import type { Command } from "../command.ts";
import { readState } from "../state.ts";
import { print } from "../terminal.ts";

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
    const { pid } = state.process;
    process.kill(pid, "SIGTERM");
    const end = Date.now() + state.stopWithinMs;
    while (isAlive(state.process)) {
      if (Date.now() > end) {
        throw fail.deadline("not_stopped", `pid ${pid} still runs after ${state.stopWithinMs / 1000} s`, {
          remedy: `look at its log, then end it with kill -9 ${pid}; nothing acknowledged is lost`,
        });
      }
      await sleep(50);
    }
    print("Stopped.");
    return 0;
  },
};
