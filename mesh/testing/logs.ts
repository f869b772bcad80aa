import type { DestinationStream } from "pino";

export type LogLine = Readonly<Record<string, unknown>>;

/** Keeps log lines in memory, to be looked at. */
export interface Logs extends DestinationStream {
  readonly lines: readonly LogLine[];
  /** Everything that was written, as it was written. */
  readonly text: string;
}

export function collectLogs(): Logs {
  const written: string[] = [];
  return {
    write: (line) => void written.push(line),
    get lines() {
      // Several may be written at once.
      return written
        .join("")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as LogLine);
    },
    get text() {
      return written.join("");
    },
  };
}
