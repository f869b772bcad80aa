import { fail } from "#mesh";
import { mostSegments } from "./parse-template.ts";

/** RFC 9110 §4.1 asks for 8,000 octets at least, for the whole line. */
const mostChars = 8192;

/** The segments of one path, in arrays that are used again for the next. */
export interface RequestPath {
  path: string;
  count: number;
  /** Does anything in it need decoding? */
  encoded: boolean;
  /** Where each segment begins, and where it ends. */
  readonly starts: number[];
  readonly ends: number[];
  /** Decoded, as literals are compared. */
  readonly texts: string[];
}

export const createRequestPath = (): RequestPath => ({
  path: "",
  count: 0,
  encoded: false,
  starts: new Array<number>(mostSegments).fill(0),
  ends: new Array<number>(mostSegments).fill(0),
  texts: new Array<string>(mostSegments).fill(""),
});

const slash = 47;
const percent = 37;

/**
 * Divides a raw path at its slashes, and nothing is normalised: who stands
 * before us may do that by other rules, and then rules upon another path. So
 * false, for a path that matches nothing: one with a dot segment, encoded or
 * not, or with an empty segment that is not the last. A last one that is empty,
 * behind a trailing slash, is for `**` alone.
 */
export function readPath(into: RequestPath, path: string): boolean {
  const { length } = path;
  if (length > mostChars) throw tooLong(`${length} characters, and at most ${mostChars} are read`);
  if (path.charCodeAt(0) !== slash) return false;
  into.path = path;
  into.count = 0;
  into.encoded = false;
  if (length === 1) return true;
  let start = 1;
  let encoded = false;
  for (let at = 1; at <= length; at++) {
    const char = at === length ? slash : path.charCodeAt(at);
    if (char === slash) {
      if (at === start && at < length) return false;
      const raw = path.slice(start, at);
      const text = encoded ? decodeSegment(raw) : raw;
      if (isDot(text)) return false;
      const index = into.count++;
      if (index === mostSegments) throw tooLong(`more than ${mostSegments} segments`);
      into.starts[index] = start;
      into.ends[index] = at;
      into.texts[index] = text;
      into.encoded ||= encoded;
      encoded = false;
      start = at + 1;
    } else if (char === percent) encoded = true;
    // RFC 3986 §2: a URI is written in visible ASCII.
    else if (char <= 32 || char >= 127) throw badEncoding(path.slice(start, at + 1));
  }
  return true;
}

export const isDot = (text: string): boolean => text === "." || text === "..";

export function decodeSegment(raw: string): string {
  try {
    return decodeURIComponent(raw);
  } catch {
    throw badEncoding(raw);
  }
}

/** Slashes that were encoded stay so, as those that divide segments could not be told from them. */
export function decodeKeepingSlashes(raw: string): string {
  const at = raw.indexOf("%2");
  if (at < 0) return decodeSegment(raw);
  return raw
    .split(/(%2[Ff])/)
    .map((part, i) => (i % 2 === 1 ? part : decodeSegment(part)))
    .join("");
}

function badEncoding(part: string): Error {
  return fail.invalid("bad_encoding", `the path has ${JSON.stringify(part.slice(0, 60))}`, {
    remedy: "a path is UTF-8, and what is not a letter, a digit or one of -._~ is written as %XX",
  });
}

function tooLong(what: string): Error {
  return fail.invalid("path_too_long", `the path has ${what}`, {
    remedy: "send what is long in the body",
  });
}
