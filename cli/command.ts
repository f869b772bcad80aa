import type { ParseArgsOptionsConfig } from "node:util";
import { parseArgs } from "node:util";
import { fail } from "#mesh/errors.ts";
import type { Workspace } from "./workspace.ts";

/** What a command gets: its words, its flags and the checkout it works on. */
export interface Invocation {
  readonly words: readonly string[];
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
  readonly workspace: Workspace;
}

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Full help: what comes after the name, then a line for each flag. */
  readonly usage: string;
  readonly flags?: ParseArgsOptionsConfig;
  /** Hands on all its arguments, flags included, to a program that reads them itself. */
  readonly passesOn?: true;
  /** Resolves to the exit code. */
  readonly run: (invocation: Invocation) => Promise<number>;
}

/** Reads the words behind a command's name; says what is wrong with them. */
export function readArguments(command: Command, args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...command.flags, json: { type: "boolean" }, help: { type: "boolean", short: "h" } },
      allowPositionals: true,
    });
    return { flags: values as Invocation["flags"], words: positionals };
  } catch (error) {
    // What looks like a flag to the parser was meant as a number, and none of ours is that small.
    const negative = args.find((it) => /^-\d/.test(it));
    const why = error instanceof Error ? error.message.split(". ")[0] : String(error);
    throw usageError(negative ? `${negative}: a number must be 0 or more` : `${why}`, command);
  }
}

/** The words of a call are off; the remedy is the help of the command. */
export function usageError(message: string, command: Pick<Command, "name">): Error {
  const help = ["weft", command.name, "--help"].filter(Boolean).join(" ");
  return fail.invalid("usage", message, { remedy: `see \`${help}\`` });
}
