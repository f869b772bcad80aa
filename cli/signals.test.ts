import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createWishes } from "./signals.ts";

test("signals that come together are one wish, and one that comes later means at once", () => {
  let nowMs = 5000;
  const wish = createWishes(() => nowMs);
  expect([wish(), wish()]).toEqual(["end", "the same"]);
  nowMs += 900;
  expect(wish()).toBe("the same");
  nowMs += 200;
  expect([wish(), wish()]).toEqual(["at once", "at once"]);
});

test("a process that gets a Ctrl-C from its terminal and from its launcher ends in good order", async () => {
  const code = `
    const { untilSignal } = await import(${JSON.stringify(join(import.meta.dirname, "signals.ts"))});
    const ending = untilSignal();
    const alive = setInterval(() => {}, 1000);
    console.log("ready");
    await ending;
    // The second one arrives while it stops.
    console.log("stopping");
    await new Promise((resolve) => process.once("SIGTERM", resolve));
    await new Promise((resolve) => setImmediate(resolve));
    console.log("stopped");
    clearInterval(alive);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
    if (out === "ready\n") child.kill("SIGINT");
    if (out === "ready\nstopping\n") child.kill("SIGTERM");
  });
  const ending = await new Promise((resolve) => child.once("exit", (...how) => resolve(how)));
  expect([ending, out]).toEqual([[0, null], "ready\nstopping\nstopped\n"]);
});
