import { createReadStream, watchFile } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { fail } from "#mesh/errors.ts";
import type { Command } from "../command.ts";
import { usageError } from "../command.ts";
import { harmless } from "../harmless.ts";
import type { LogLine } from "../log-lines.ts";
import { formatLine, isAtLeast, levels, parseLine } from "../log-lines.ts";
import { parseServerLine } from "../server-lines.ts";
import { untilSignal } from "../signals.ts";
import { print, readerGone } from "../terminal.ts";

export const logs: Command = {
  name: "logs",
  summary: "Show the logs of services, PostgreSQL and NATS",
  usage: `[service…] [-f] [-n <lines>] [--level <level>] [--json]

  -f, --follow   go on as lines come
  -n, --lines    how many lines of each to begin with; default 20
  --level        least important level to show: ${levels.join(", ")}
  --json         the lines as they were written`,
  flags: {
    follow: { type: "boolean", short: "f" },
    lines: { type: "string", short: "n", default: "20" },
    level: { type: "string", default: "trace" },
  },
  run: async ({ words, flags, workspace }) => {
    const count = Number(flags.lines);
    if (!Number.isInteger(count) || count < 0) throw usageError("--lines must be a whole number", logs);
    const level = String(flags.level);
    if (!levels.some((it) => it === level)) throw usageError(`there is no level "${level}"`, logs);
    const show = ({ text, line, level: own }: Entry) => {
      if (!isAtLeast(own, level)) return;
      if (flags.json) print(text);
      else print(line ? formatLine(line) : harmless(text));
    };

    const files = await logFiles(workspace.logs, words);
    const tails = await Promise.all(
      files.map(async (file) => {
        const { lines, size } = await tail(file, count);
        const read = createReader();
        return { file, size, read, entries: lines.map(read) };
      }),
    );
    const inOrder = tails.flatMap(({ entries }) => entries).sort((a, b) => a.time.localeCompare(b.time));
    for (const entry of inOrder) show(entry);
    if (!flags.follow) return 0;
    for (const { file, size, read } of tails) follow(file, size, (text) => show(read(text)));
    await Promise.race([untilSignal(), readerGone]);
    process.exit(0);
  },
};

/** A line of a file, as far as it can be told what it is. */
interface Entry {
  readonly text: string;
  readonly line: LogLine | undefined;
  readonly time: string;
  readonly level: string;
}

/** Reads the lines of one file; what goes on from a line before has its time and its level. */
function createReader(): (text: string) => Entry {
  let last = { time: "", level: "info" };
  return (text) => {
    const line = parseLine(text) ?? parseServerLine(text);
    if (line) last = { time: line.timestamp, level: line.level };
    return { text, line, ...last };
  };
}

async function logFiles(dir: string, names: readonly string[]): Promise<string[]> {
  const there = await readdir(dir).catch(() => []);
  const known = there.filter((file) => file.endsWith(".log")).map((file) => basename(file, ".log"));
  if (known.length === 0) {
    throw fail.notFound("no_logs", "there are no logs yet", {
      remedy: "start the platform with `npm start`",
    });
  }
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw fail.notFound("no_logs", `there is no log of ${unknown.join(", ")}`, {
      remedy: `there are ${known.join(", ")}`,
    });
  }
  return (names.length > 0 ? names : known).map((name) => join(dir, `${name}.log`));
}

/** How far back to look for the last lines; log lines are far shorter than that. */
const tailBytes = 1024 * 1024;

async function tail(file: string, count: number): Promise<{ lines: string[]; size: number }> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - tailBytes);
    const { buffer } = await handle.read({ buffer: Buffer.alloc(size - start), position: start });
    const lines = buffer.toString().split("\n").filter(Boolean);
    return { lines: count === 0 ? [] : lines.slice(-count), size };
  } finally {
    await handle.close();
  }
}

/** Shows what is added to a file; a file that shrank was rotated and is read from its start. */
function follow(file: string, from: number, show: (line: string) => void): void {
  let position = from;
  let rest = "";
  watchFile(file, { interval: 200 }, ({ size }) => {
    if (size < position) position = 0;
    if (size === position) return;
    const added = createReadStream(file, { start: position, end: size - 1, encoding: "utf8" });
    position = size;
    added.on("data", (chunk) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      lines.filter(Boolean).forEach(show);
    });
  });
}
