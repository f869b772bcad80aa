import { spawn } from "node:child_process";
import { delimiter, dirname } from "node:path";
import { pathToFileURL } from "node:url";

/** Becomes the command when this Node will do; else runs it under the other one and stands in for it. */
export async function handOver({ root, node, command }) {
  process.env.WEFT_ROOT = root;
  if (node === process.execPath) {
    await import(pathToFileURL(command).href);
    return;
  }
  // What the command itself starts, npm for instance, shall find the same Node.
  process.env.PATH = `${dirname(node)}${delimiter}${process.env.PATH ?? ""}`;
  const { code, signal } = await runThere(node, [...process.execArgv, command, ...process.argv.slice(2)]);
  if (signal === null) process.exitCode = code ?? 1;
  else dieOf(signal);
}

/**
 * The `ipc` channel carries no messages. It closes when this process is gone,
 * even by `kill -9`, which the command sees as `process.on("disconnect")` and
 * takes as the wish to stop; so no supervisor is left without its terminal.
 * (To listen keeps the command running: it should `process.channel?.unref()`.)
 */
function runThere(node, args) {
  const child = spawn(node, args, { stdio: ["inherit", "inherit", "inherit", "ipc"] });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => forward(child, signal));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve({ code, signal }));
  });
}

/**
 * A terminal sends Ctrl-C and its own end to the command as well. There we only
 * close the channel, which says no more than the first one did. Without one we
 * cannot know; the command takes a second signal that comes with the first for
 * the same wish.
 */
function forward(child, signal) {
  const fromTerminal = process.stdin.isTTY && signal !== "SIGTERM";
  if (!fromTerminal) child.kill(signal);
  else if (child.connected) child.disconnect();
}

/** A shell tells "ended by Ctrl-C" from "exited with 130"; so the command's end becomes ours. */
function dieOf(signal) {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
