import { reasonOf } from "#mesh/errors.ts";
import { version } from "#mesh/version.ts";
import type { Command } from "./command.ts";
import { readArguments, usageError } from "./command.ts";
import { commands } from "./commands/index.ts";
import { messageOf } from "./message.ts";
import { note, paint, print, printJson } from "./terminal.ts";
import { openWorkspace } from "./workspace.ts";

/** Carries out one command line; resolves to its exit code. */
export async function carryOut(name: string, args: readonly string[]): Promise<number> {
  if (name === "--version" || name === "-v") {
    print(version);
    return 0;
  }
  if (name === "help" || name === "--help" || name === "-h") return help();
  try {
    const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!load) throw usageError(`there is no command "${name}"`, { name: "" });
    const command = await load();
    const wantsHelp = command.passesOn && args.some((it) => it === "--help" || it === "-h");
    const { flags, words } =
      command.passesOn && !wantsHelp ? { flags: {}, words: args } : readArguments(command, args);
    if (wantsHelp || ("help" in flags && flags.help)) {
      print(`${command.summary}\n\nUsage: weft ${command.name} ${command.usage}`);
      return 0;
    }
    return await command.run({ flags, words, workspace: openWorkspace() });
  } catch (error) {
    return report(error, args.includes("--json"));
  }
}

/** One line that says what, where and how to mend; the stack only for who asks. */
function report(error: unknown, json: boolean): number {
  if (json) printJson({ error: messageOf(error), reason: reasonOf(error) });
  else note(`${paint("red", "weft:")} ${messageOf(error)}`);
  if (process.env.WEFT_DEBUG) note(error instanceof Error ? (error.stack ?? "") : "");
  return reasonOf(error) === "usage" ? 2 : 1;
}

async function help(): Promise<number> {
  const all = await Promise.all(Object.values(commands).map((load) => load()));
  const width = Math.max(...all.map(({ name }) => name.length));
  const line = ({ name, summary }: Command) => `  ${name.padEnd(width)}  ${summary}`;
  print(`Weft ${version}: a typed service mesh for TypeScript, with a platform on it.

Usage: weft <command> [flags]

${all.map(line).join("\n")}

Every command has --help; those that show something have --json.`);
  return 0;
}
