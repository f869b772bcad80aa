import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

/** Colours where the stream shows them; `NO_COLOR` is honoured. */
export const paint = (style: Style, text: string): string =>
  styleText(style, text, { stream: process.stdout });

export const print = (text = ""): void => void process.stdout.write(`${text}\n`);
/** For progress and errors, so that standard output stays what was asked for. */
export const note = (text: string): void => void process.stderr.write(`${text}\n`);

export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2));

/** Columns as wide as their widest cell; colours do not count. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => visible(row[column] ?? ""))));
  const line = (row: readonly string[]) =>
    row.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - visible(cell))).join("  ");
  return [paint("dim", line(head)), ...rows.map(line)].map((it) => `  ${it.trimEnd()}`).join("\n");
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
