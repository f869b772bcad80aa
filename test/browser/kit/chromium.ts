import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import type { Browser } from "playwright-core";
import { chromium } from "playwright-core";
import { describe } from "vitest";

const usualNames = ["chromium", "chromium-browser", "google-chrome"];

/** The Chromium of this machine: `WEFT_CHROMIUM`, else the first of the usual names on `PATH`. */
function findChromium(env: NodeJS.ProcessEnv): string | undefined {
  const { WEFT_CHROMIUM: named, PATH: path = "" } = env;
  const folders = path.split(delimiter).filter(isAbsolute);
  const onPath = (name: string) => folders.map((folder) => join(folder, name)).find(isProgram);
  if (!named) return usualNames.map(onPath).find((it) => it !== undefined);
  const found = isAbsolute(named) ? named : onPath(named);
  // Whoever names one wants these tests to run, and not to be passed over for a slip of the pen.
  if (!found || !isProgram(found)) throw new Error(`WEFT_CHROMIUM=${named} is no program`);
  return found;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

const executablePath = findChromium(process.env);

/** Tests that need a real browser; where there is none they are skipped, and say so. */
export const inBrowser = (name: string, tests: () => void): void => {
  if (executablePath) describe(name, tests);
  else describe.skip(`${name} (skipped: no Chromium here; install it or set WEFT_CHROMIUM)`, tests);
};

/** A browser that keeps nothing when it is closed. */
export function openChromium(): Promise<Browser> {
  if (!executablePath) throw new Error("there is no Chromium on this machine");
  return chromium.launch({ executablePath });
}
