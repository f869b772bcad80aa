import { samplesOf } from "./sample-pattern.ts";

const longestPattern = 1_000;
/** RE2 lets any punctuation be escaped; ECMA-262 with the `u` flag only these, and `-` within a class. */
const syntax = "^$\\.*+?()[]{}|/";

/**
 * A pattern of RE2, as buf.validate has them, in the ECMA-262 dialect of JSON
 * Schema. Nothing when it has a part that the other cannot say.
 */
export function portable(pattern: string): string | undefined {
  if (pattern.length > longestPattern || pattern.includes("[[:")) return undefined;
  const text = unescaped(pattern);
  try {
    new RegExp(text, "u");
    return text;
  } catch {
    return undefined;
  }
}

function unescaped(pattern: string): string {
  let text = "";
  let inClass = false;
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at);
    if (char === "\\") {
      const next = pattern.charAt(++at);
      const needless = /[^A-Za-z0-9\s]/.test(next) && !syntax.includes(next) && !(inClass && next === "-");
      text += needless ? next : `\\${next}`;
      continue;
    }
    if (char === "[") inClass = true;
    if (char === "]") inClass = false;
    text += char;
  }
  return text;
}

/** A loop within a loop, or a choice within one, can take a matcher of JavaScript for ever. */
const isRisky = (pattern: string): boolean => /[*+}]\)?[^)]*\)[*+{]|\|[^)]*\)[*+{]/.test(pattern);
const shortEnough = 6;

/** Whether a text matches, where that is quickly said; texts made from the pattern do. */
export function matches(pattern: string, text: string): boolean {
  if (isRisky(pattern) && text.length > shortEnough) return samplesOf(pattern).includes(text);
  return new RegExp(pattern, "u").test(text);
}

export const literally = (text: string): string => text.replace(/[\^$\\.*+?()[\]{}|/]/g, "\\$&");
