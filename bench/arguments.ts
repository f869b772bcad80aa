import { parseArgs } from "node:util";
import { fail } from "../mesh/errors.ts";

/** What the user asked for. */
export interface Arguments {
  /** Empty when none is named. */
  readonly benchmark: string;
  /** One object on standard output, progress on standard error. */
  readonly json: boolean;
  /** Fewer cases and shorter rounds: an impression, not a result. */
  readonly quick: boolean;
  /** What each of Weft's own features costs, instead of a comparison with others. */
  readonly features: boolean;
  readonly help: boolean;
  /** Length of one measurement. Each benchmark has its own default. */
  readonly seconds: number | undefined;
  /** Whom to compare with. Default: everyone the benchmark knows. */
  readonly peers: readonly string[] | undefined;
}

export function readArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args);
  if (positionals.length > 1) throw usage(`one benchmark at a time, not "${positionals.join(" ")}"`);
  return {
    benchmark: positionals[0] ?? "",
    json: values.json ?? false,
    quick: values.quick ?? false,
    features: values.features ?? false,
    help: values.help ?? false,
    seconds: values.seconds === undefined ? undefined : readSeconds(values.seconds),
    peers: values.peer === undefined ? undefined : readNames(values.peer),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: "boolean" },
        quick: { type: "boolean" },
        features: { type: "boolean" },
        help: { type: "boolean", short: "h" },
        seconds: { type: "string" },
        peer: { type: "string" },
      },
    });
  } catch (cause) {
    throw usage(cause instanceof Error ? (cause.message.split(". ")[0] ?? "") : String(cause), cause);
  }
}

function readSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== "" && seconds > 0 && seconds <= 60) return seconds;
  throw usage(`--seconds must be a number above 0 and up to 60, not "${text}"`);
}

function readNames(text: string): string[] {
  const names = text
    .split(",")
    .map((it) => it.trim())
    .filter((it) => it !== "");
  if (names.length === 0) throw usage("--peer names nobody");
  return [...new Set(names)];
}

/** Those of the known names that were asked for, in the order they are known. */
export function choose<T extends { readonly name: string }>(
  known: readonly T[],
  wanted: readonly string[] | undefined,
): T[] {
  const stranger = wanted?.find((name) => !known.some((it) => it.name === name));
  if (stranger !== undefined) {
    throw usage(`"${stranger}" is not a peer here; there are ${known.map((it) => it.name).join(", ")}`);
  }
  return known.filter((it) => wanted?.includes(it.name) ?? true);
}

const usage = (message: string, cause?: unknown) =>
  fail.invalid("usage", message, { remedy: "see `npm run bench -- --help`", cause });
