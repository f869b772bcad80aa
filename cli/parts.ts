import type { Command, Invocation } from "./command.ts";
import { usageError } from "./command.ts";

/** One thing that a command with several can do, such as `weft jobs retry`. */
export interface Part {
  /** Names of the command's flags that mean something here. */
  readonly flags?: readonly string[];
  /** What the words behind its name are, such as `id`; those with a `?` may be left out. Default: none. */
  readonly words?: readonly string[];
  /** How many words there may be, where the last one may stand again. */
  readonly most?: number;
  /** Resolves to the exit code. */
  readonly run: (invocation: Invocation) => Promise<number>;
}

export interface PartsOptions {
  readonly command: Command;
  readonly parts: Readonly<Record<string, Part>>;
  /** The one that is meant when none is named. */
  readonly usual?: string;
}

/** Carries out the part that the first word names. */
export async function runPart(options: PartsOptions, invocation: Invocation): Promise<number> {
  const { command, parts, usual } = options;
  const [name = usual, ...words] = invocation.words;
  if (name === undefined) throw usageError(`say which: ${Object.keys(parts).join(", ")}`, command);
  const part = Object.hasOwn(parts, name) ? parts[name] : undefined;
  if (!part) throw usageError(`there is no "weft ${command.name} ${name}"`, command);

  const known = [...(part.flags ?? []), "json", "help"];
  const alien = Object.keys(invocation.flags).find((flag) => !known.includes(flag));
  if (alien) throw usageError(`--${alien} means nothing to weft ${command.name} ${name}`, command);
  const { words: wanted = [], most = wanted.length } = part;
  const missing = wanted.slice(words.length).find((word) => !word.endsWith("?"));
  if (missing) {
    throw usageError(`<${missing}> is missing: weft ${command.name} ${sayAll(name, wanted)}`, command);
  }
  if (words.length > most) throw usageError(`"${words[most]}" is one word too many`, command);
  return part.run({ ...invocation, words });
}

const sayAll = (name: string, words: readonly string[]): string =>
  [name, ...words.map((word) => (word.endsWith("?") ? `[${word.slice(0, -1)}]` : `<${word}>`))].join(" ");

/** A whole number that a flag gives; the fallback where it is not given. */
export function countOf(
  flags: Invocation["flags"],
  name: string,
  options: { command: Command; fallback: number; least?: number; most?: number },
): number {
  const { command, fallback, least = 0, most = Number.MAX_SAFE_INTEGER } = options;
  const text = flags[name];
  if (text === undefined) return fallback;
  const count = typeof text === "string" && /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (count >= least && count <= most) return count;
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
  throw usageError(`--${name} must be a whole number ${range}`, command);
}

/** What a flag says, when it is there. */
export function textOf(flags: Invocation["flags"], name: string): string | undefined {
  const text = flags[name];
  return typeof text === "string" && text !== "" ? text : undefined;
}

/** The words that show the page behind this one, with the same filters. */
export function nextPage({ name }: Command, flags: Invocation["flags"], page: string): string {
  const kept = Object.entries(flags).filter(([flag, value]) => typeof value === "string" && flag !== "page");
  return ["weft", name, "ls", ...kept.map(([flag, value]) => `--${flag} ${value}`), `--page ${page}`].join(
    " ",
  );
}
