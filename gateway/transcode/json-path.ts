const quote = 0x22;
const backslash = 0x5c;

interface Container {
  readonly list: boolean;
  index: number;
  name: string;
}

/** Behind the string that starts here. */
function stringEnd(source: Buffer, from: number): number {
  let at = from + 1;
  while (at < source.length && source[at] !== quote) at += source[at] === backslash ? 2 : 1;
  return at + 1;
}

const plain = /^[A-Za-z_][A-Za-z0-9_]*$/;

const step = ({ list, index, name }: Container): string => {
  if (list) return `[${index}]`;
  if (name === "") return "";
  return plain.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
};

/** Longest path that an error gives; the rest is cut. */
const longest = 200;

/**
 * Names the value at an offset of a JSON text: `items[3].price.amount`. Only
 * an error asks for it, so the reader keeps no path; what stands before the
 * offset has been found well-formed.
 */
export function jsonPath(source: Buffer, offset: number): string {
  const containers: Container[] = [];
  for (let at = 0; at < offset; at += 1) {
    const byte = source[at];
    const top = containers.at(-1);
    if (byte === 0x7b || byte === 0x5b) containers.push({ list: byte === 0x5b, index: 0, name: "" });
    else if (byte === 0x7d || byte === 0x5d) containers.pop();
    else if (byte === 0x2c && top !== undefined) {
      top.index += 1;
      top.name = "";
    } else if (byte === quote) {
      const end = stringEnd(source, at);
      // A string that ends behind the offset is the one in question.
      if (end > offset) break;
      if (top !== undefined && !top.list && top.name === "") top.name = nameOf(source, at, end);
      at = end - 1;
    }
  }
  const path = containers.map(step).join("").replace(/^\./, "");
  return path.length > longest ? `${path.slice(0, longest)}…` : path;
}

function nameOf(source: Buffer, from: number, to: number): string {
  try {
    return String(JSON.parse(source.toString("utf8", from, to)));
  } catch {
    // A name that is itself what is wrong.
    return source.toString("utf8", from + 1, to - 1);
  }
}
