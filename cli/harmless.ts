/**
 * Text that came from outside must not move the cursor or look like a line of
 * ours: control characters are shown, not sent to the terminal.
 */
export const harmless = (text: string, kept = ""): string =>
  text.replace(/\p{Cc}|\p{Cf}/gu, (it) => (it === kept ? it : escaped(it)));

/** The same for JSON, which stays the same JSON: where such characters may stand, it knows them escaped, too. */
export const harmlessJson = (json: string): string =>
  json.replace(/\p{Cc}|\p{Cf}/gu, (it) => (it === "\n" ? it : escaped(it)));

/** Each half of a character beyond the first 65,536 by itself, as JSON has it. */
const escaped = (character: string): string =>
  character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");

/** The first line of a text from outside, and not much of it: for one cell of a table. */
export function firstLine(text: string, longest = 80): string {
  const line = harmless(text.trim().split(/\r?\n/, 1)[0] ?? "");
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line;
}
