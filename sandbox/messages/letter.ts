/** A letter as people read it. */
export interface Letter {
  /** As its head has it. */
  readonly from: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly messageId: string;
  /** Where a mail program's button to unsubscribe leads (RFC 8058); empty for none. */
  readonly unsubscribe: string;
}

const mostDepth = 5;

/** Reads what mailers write (RFC 2045 to 2047): parts in parts, and their encodings. */
export function readLetter(data: Buffer): Letter {
  const { headers, parts } = readPart(data.toString("latin1"), 0);
  const of = (type: string) => parts.find((it) => it.type === type)?.body.replace(/\r\n$/, "") ?? "";
  return {
    from: decodeWords(headers.get("from") ?? ""),
    subject: decodeWords(headers.get("subject") ?? ""),
    text: of("text/plain"),
    html: of("text/html"),
    messageId: headers.get("message-id") ?? "",
    unsubscribe: /<([^>]*)>/.exec(headers.get("list-unsubscribe") ?? "")?.[1] ?? "",
  };
}

interface Part {
  readonly type: string;
  readonly body: string;
}

function readPart(raw: string, depth: number): { headers: Map<string, string>; parts: Part[] } {
  const end = raw.indexOf("\r\n\r\n");
  const [head, body] = end < 0 ? [raw, ""] : [raw.slice(0, end), raw.slice(end + 4)];
  const headers = new Map(
    head
      .replaceAll(/\r\n[ \t]+/g, " ")
      .split("\r\n")
      .map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
      }),
  );
  const type = headers.get("content-type") ?? "text/plain";
  const boundary = /^multipart\/[^;]*;.*?boundary="?([^";]+)"?/is.exec(type)?.[1];
  if (boundary === undefined) {
    const decoded = decodeBody(body, headers.get("content-transfer-encoding") ?? "7bit");
    return { headers, parts: [{ type: (type.split(";")[0] ?? "").trim().toLowerCase(), body: decoded }] };
  }
  if (depth >= mostDepth) return { headers, parts: [] };
  const inner = `\r\n${body}`
    .split(`\r\n--${boundary}`)
    .slice(1)
    .filter((it) => !it.startsWith("--"));
  const parts = inner.flatMap((it) => readPart(it.replace(/^[ \t]*\r\n/, ""), depth + 1).parts);
  return { headers, parts };
}

function decodeBody(body: string, encoding: string): string {
  switch (encoding.toLowerCase()) {
    case "base64":
      return Buffer.from(body, "base64").toString();
    case "quoted-printable":
      return unquote(body.replaceAll(/=[ \t]*\r\n/g, ""));
    default:
      return Buffer.from(body, "latin1").toString();
  }
}

const unquote = (text: string): string =>
  Buffer.from(
    text.replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  ).toString();

const word = /=\?utf-8\?([bq])\?([^?]*)\?=/i;

/** Neighbouring words are one text, which may be cut within a character. */
function decodeWords(value: string): string {
  const run = new RegExp(`${word.source}(?:\\s+${word.source})*`, "gi");
  const decoded = value.replaceAll(run, (words) => {
    const bytes = [...words.matchAll(new RegExp(word.source, "gi"))].map(([, kind = "", text = ""]) =>
      kind.toLowerCase() === "b"
        ? Buffer.from(text, "base64")
        : Buffer.from(
            text
              .replaceAll("_", " ")
              .replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) =>
                String.fromCharCode(Number.parseInt(hex, 16)),
              ),
            "latin1",
          ),
    );
    return Buffer.concat(bytes).toString();
  });
  return decoded === value ? Buffer.from(value, "latin1").toString() : decoded;
}
