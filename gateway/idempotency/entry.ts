/** What the store has of a request. */
export type Entry =
  /** Somebody works on it, until then at the latest. */
  | { readonly is: "begun"; readonly print: string; readonly owner: string; readonly untilMs: number }
  /** It was done; without the answer where that is too large to be stored. */
  | { readonly is: "done"; readonly print: string; readonly sealed: Uint8Array | undefined };

const newline = 10;

/** A line of JSON, then the answer. */
export function encodeEntry(entry: Entry): Uint8Array {
  if (entry.is === "begun") return Buffer.from(`${JSON.stringify(entry)}\n`);
  const { is, print, sealed } = entry;
  const head = Buffer.from(`${JSON.stringify({ is, print, answer: sealed !== undefined })}\n`);
  return sealed ? Buffer.concat([head, sealed]) : head;
}

/** Nothing for what is no entry: anybody who reaches the broker can write there. */
export function decodeEntry(bytes: Uint8Array): Entry | undefined {
  const end = bytes.indexOf(newline);
  if (end < 0) return undefined;
  const head = jsonOf(Buffer.from(bytes.buffer, bytes.byteOffset, end).toString("utf8"));
  if (typeof head !== "object" || head === null || !("is" in head)) return undefined;
  if (!("print" in head) || typeof head.print !== "string") return undefined;
  const { is, print } = head;
  if (is === "begun") {
    if (!("owner" in head) || typeof head.owner !== "string") return undefined;
    if (!("untilMs" in head) || typeof head.untilMs !== "number") return undefined;
    return { is, print, owner: head.owner, untilMs: head.untilMs };
  }
  if (is !== "done" || !("answer" in head)) return undefined;
  return { is, print, sealed: head.answer === true ? bytes.subarray(end + 1) : undefined };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
