import { styleText } from "node:util";
import { harmless, harmlessJson } from "./harmless.ts";

type Style = Parameters<typeof styleText>[0];

/** Colours where the stream shows them; `NO_COLOR` is honoured. */
export const paint = (style: Style, text: string): string =>
  styleText(style, text, { stream: process.stdout });

export const print = (text = ""): void => void process.stdout.write(`${text}\n`);
/** For progress and errors, so that standard output stays what was asked for. */
export const note = (text: string): void => void process.stderr.write(`${text}\n`);

export const printJson = (value: unknown): void => print(harmlessJson(JSON.stringify(value, null, 2)));
/** One object a line, for what has no end. */
export const printJsonLine = (value: unknown): void => print(harmlessJson(JSON.stringify(value)));

const gone = Promise.withResolvers<void>();
/** Resolves when whoever read our output has gone, as `head` goes: for what would go on for ever. */
export const readerGone: Promise<void> = gone.promise;

/** What is under way when the reader goes is done to its end, unheard; by default Node would crash. */
export function outliveReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      if (stream === process.stdout) gone.resolve();
    });
  }
}

/** Columns as wide as their widest cell; colours do not count. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => visible(row[column] ?? ""))));
  const line = (row: readonly string[]) =>
    row.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - visible(cell))).join("  ");
  return [paint("dim", line(head)), ...rows.map(line)].map((it) => `  ${it.trimEnd()}`).join("\n");
}

/** Names and values from outside, a line each; those without a value are left out. */
export function fields(pairs: readonly (readonly [name: string, value: string])[]): string {
  const shown = pairs.filter(([, value]) => value !== "");
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${paint("dim", name.padEnd(width))}  ${harmless(value)}`).join("\n");
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences start with one.
const escapes = /\u001b\[[0-9;]*m/g;
const visible = (text: string) => text.replace(escapes, "").length;

export interface Progress {
  step(text: string): void;
  done(): void;
}

/** One line that changes on a terminal, a line a step elsewhere. */
export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  const live = stream.isTTY;
  return {
    step: (text) => void stream.write(live ? `\r\u001b[K${text}…` : `${text}…\n`),
    done: () => void (live && stream.write("\r\u001b[K")),
  };
}
