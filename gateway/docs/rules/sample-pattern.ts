import { mostExampleLength } from "../limits.ts";

/** How often a part that may be repeated is: once where that is allowed, else more. */
const tries = [1, 0, 3, 8, 16, 32];
/** Characters that a class is asked for, in this order, so that samples look like words and numbers. */
const wanted = "a1A0-_./ @:+~,;!#";
const deepest = 20;

/**
 * Texts that match a pattern, by reading it: repeated parts once, of choices
 * the first, of classes a plain character. None for what it does not understand.
 */
export function samplesOf(pattern: string): readonly string[] {
  const found = new Set<string>();
  for (const times of tries) {
    const reader: Reader = { pattern, at: 0, times, depth: 0 };
    const text = choice(reader);
    if (text === undefined || reader.at < pattern.length || text.length > mostExampleLength) continue;
    found.add(text);
  }
  return [...found];
}

interface Reader {
  readonly pattern: string;
  at: number;
  readonly times: number;
  depth: number;
}

const peek = ({ pattern, at }: Reader): string => pattern.charAt(at);

function choice(reader: Reader): string | undefined {
  if (++reader.depth > deepest) return undefined;
  let first = row(reader);
  while (first !== undefined && peek(reader) === "|") {
    reader.at += 1;
    if (row(reader) === undefined) first = undefined;
  }
  reader.depth -= 1;
  return first;
}

function row(reader: Reader): string | undefined {
  let text = "";
  while (reader.at < reader.pattern.length && peek(reader) !== "|" && peek(reader) !== ")") {
    const part = anchor(reader, text) ?? atom(reader);
    if (part === undefined) return undefined;
    const times = repeats(reader);
    if (times === undefined || text.length + part.length * times > mostExampleLength) return undefined;
    text += part.repeat(times);
  }
  return text;
}

/** Anchors where they usually are; anywhere else they ask for what no text made in a row can have. */
function anchor(reader: Reader, before: string): string | undefined {
  const next = reader.pattern.charAt(reader.at + 1);
  const isAtStart = peek(reader) === "^" && before === "";
  const isAtEnd = peek(reader) === "$" && (next === "" || next === "|");
  if (reader.depth > 1 || !(isAtStart || isAtEnd)) return undefined;
  reader.at += 1;
  return "";
}

function atom(reader: Reader): string | undefined {
  const char = peek(reader);
  reader.at += 1;
  switch (char) {
    case ".":
      return "a";
    case "(":
      return group(reader);
    case "[":
      return ofClass(reader);
    case "\\":
      return ofEscape(reader);
    case "*":
    case "+":
    case "?":
    case "{":
    case "^":
    case "$":
      return undefined;
    default:
      return char;
  }
}

function group(reader: Reader): string | undefined {
  if (peek(reader) === "?") {
    if (!reader.pattern.startsWith("?:", reader.at)) return undefined;
    reader.at += 2;
  }
  const inner = choice(reader);
  if (peek(reader) !== ")") return undefined;
  reader.at += 1;
  return inner;
}

function ofClass(reader: Reader): string | undefined {
  const start = reader.at - 1;
  while (peek(reader) !== "]") {
    if (reader.at >= reader.pattern.length) return undefined;
    reader.at += peek(reader) === "\\" ? 2 : 1;
  }
  reader.at += 1;
  return firstIn(reader.pattern.slice(start, reader.at));
}

function ofEscape(reader: Reader): string | undefined {
  const char = peek(reader);
  reader.at += 1;
  if (!/\w/.test(char)) return char;
  return "dDwWsS".includes(char) ? firstIn(`\\${char}`) : undefined;
}

function firstIn(one: string): string | undefined {
  const test = new RegExp(`^${one}$`, "u");
  for (const char of wanted) if (test.test(char)) return char;
  for (let code = 33; code < 0x250; code++) {
    const char = String.fromCharCode(code);
    if (test.test(char)) return char;
  }
  return undefined;
}

const counted = /\{(\d+)(,(\d*))?\}/y;

function repeats(reader: Reader): number | undefined {
  let least = 1;
  let most = 1;
  const char = peek(reader);
  if (char === "?" || char === "*" || char === "+") {
    least = char === "+" ? 1 : 0;
    most = char === "?" ? 1 : Number.POSITIVE_INFINITY;
    reader.at += 1;
  } else if (char === "{") {
    counted.lastIndex = reader.at;
    const [all = "", from = "", comma, to = ""] = counted.exec(reader.pattern) ?? [];
    if (all === "") return undefined;
    least = Number(from);
    most = comma === undefined ? least : to === "" ? Number.POSITIVE_INFINITY : Number(to);
    reader.at += all.length;
  } else return 1;
  if (peek(reader) === "?") reader.at += 1;
  return Math.min(Math.max(least, reader.times), most);
}
