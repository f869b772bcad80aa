import { connect } from "node:net";

/** What came back on one connection, taken apart as a strict reader does. */
export interface RawAnswer {
  /** Of each answer, in order. */
  readonly statuses: readonly number[];
  /** Of the first. */
  readonly headers: Readonly<Record<string, string>>;
  readonly bodies: readonly string[];
  readonly text: string;
}

/** Sends bytes as they are, each piece by itself, and takes what comes until the end or `quietMs` of silence. */
export function exchangeRaw(
  port: number,
  pieces: string | Buffer | readonly (string | Buffer)[],
  quietMs = 3000,
): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    const chunks: Buffer[] = [];
    const over = () => {
      socket.destroy();
      resolve(parse(Buffer.concat(chunks)));
    };
    socket.setTimeout(quietMs, over);
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.once("error", () => {});
    socket.once("close", over);
    socket.once("end", over);
    socket.once("connect", () => {
      const all = typeof pieces === "string" || Buffer.isBuffer(pieces) ? [pieces] : pieces;
      const next = (at: number) => {
        const piece = all[at];
        if (piece === undefined || socket.destroyed) return;
        socket.write(typeof piece === "string" ? Buffer.from(piece, "latin1") : piece);
        setTimeout(next, 20, at + 1);
      };
      next(0);
    });
  });
}

function parse(bytes: Buffer): RawAnswer {
  const text = bytes.toString("latin1");
  const statuses: number[] = [];
  const bodies: string[] = [];
  let headers: Record<string, string> = {};
  for (let rest = text; rest.startsWith("HTTP/1.1 "); ) {
    const end = rest.indexOf("\r\n\r\n");
    if (end < 0) break;
    const [line = "", ...lines] = rest.slice(0, end).split("\r\n");
    const found = Object.fromEntries(
      lines.map((it) => [it.slice(0, it.indexOf(":")).toLowerCase(), it.slice(it.indexOf(":") + 1).trim()]),
    );
    statuses.push(Number(line.split(" ")[1]));
    if (statuses.length === 1) headers = found;
    const body = bodyAt(rest, end + 4, found);
    bodies.push(body.text);
    rest = rest.slice(body.end);
  }
  return { statuses, headers, bodies, text };
}

function bodyAt(text: string, start: number, headers: Record<string, string>): { text: string; end: number } {
  if (headers["transfer-encoding"] === "chunked") {
    let body = "";
    for (let at = start; ; ) {
      const line = text.indexOf("\r\n", at);
      const size = Number.parseInt(text.slice(at, line), 16);
      if (line < 0 || !(size > 0)) return { text: body, end: text.indexOf("\r\n\r\n", at) + 4 };
      body += text.slice(line + 2, line + 2 + size);
      at = line + 2 + size + 2;
    }
  }
  const end = start + Number(headers["content-length"] ?? 0);
  return { text: text.slice(start, end), end };
}
