import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { commandLine, isAlive, markOf } from "./identity.ts";

test("a process is alive under its own mark until it has ended", async () => {
  const child = spawn("sleep", ["60"]);
  await once(child, "spawn");
  const mark = markOf(child.pid!)!;
  expect([isAlive(mark), commandLine(mark.pid).trim()]).toEqual([true, "sleep 60"]);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(isAlive(mark)).toBe(false);
});

test("a pid in use by another process is not the marked process", () => {
  const mark = { ...markOf(process.pid)!, started: "at another time" };
  expect(isAlive(mark)).toBe(false);
});

test("two looks at one process give the same mark", () => {
  expect(markOf(process.pid)).toEqual(markOf(process.pid));
});

test.runIf(process.platform === "linux")("a zombie counts as dead", async () => {
  // The shell starts `true`, prints its pid, and becomes a sleep that never collects it.
  const shell = spawn("sh", ["-c", "true & echo $!; exec sleep 60"]);
  const [line] = await once(shell.stdout, "data");
  try {
    await expect.poll(() => markOf(Number(String(line)))).toBeUndefined();
  } finally {
    shell.kill("SIGKILL");
  }
});
