/** One answer, as it came. */
export interface HttpAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: Buffer;
  /** Nothing follows it on this connection. */
  readonly isLast: boolean;
}

type Step = { readonly answer: HttpAnswer; readonly size: number } | undefined;

/** The answer that the bytes begin with, once it is whole. Throws when it is no answer. */
export function readAnswer(bytes: Buffer, verb: string): Step {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = bytes.toString("latin1", 0, end);
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
  if (!(status >= 100)) throw new Error(`no answer: ${head.slice(0, 200)}`);
  const lower = head.toLowerCase();
  const isLast = lower.includes("\r\nconnection: close");
  const whole = (body: Buffer, size: number): Step => ({ answer: { status, head, body, isLast }, size });
  if (verb === "HEAD" || status === 204 || status === 304 || status < 200)
    return whole(Buffer.alloc(0), end + 4);
  if (lower.includes("\r\ntransfer-encoding: chunked")) {
    const body = readChunks(bytes, end + 4);
    return body && whole(body.body, body.end);
  }
  const length = Number(/\r\ncontent-length: (\d+)/.exec(lower)?.[1] ?? 0);
  const stop = end + 4 + length;
  return bytes.length < stop ? undefined : whole(bytes.subarray(end + 4, stop), stop);
}

function readChunks(bytes: Buffer, start: number): { body: Buffer; end: number } | undefined {
  const parts: Buffer[] = [];
  for (let at = start; ; ) {
    const line = bytes.indexOf("\r\n", at);
    if (line < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, line), 16);
    if (Number.isNaN(size)) throw new Error("no chunk");
    const from = line + 2;
    if (size === 0) {
      // Trailers are read with the body: gRPC says there how it went.
      const end = bytes.indexOf("\r\n\r\n", line);
      if (end < 0) return undefined;
      return { body: Buffer.concat([...parts, bytes.subarray(from, end)]), end: end + 4 };
    }
    if (bytes.length < from + size + 2) return undefined;
    parts.push(bytes.subarray(from, from + size));
    at = from + size + 2;
  }
}

const insides = /\n\s+at |node_modules|\.ts:\d|ECONNRE|TypeError|RangeError|Cannot read|is not a function/;
/** Internal, unknown, unavailable, data loss: no input may bring these about. */
const ourCodes = /"code":"(internal|unknown|unavailable|data_loss)"|grpc-status: ?(2|13|14|15)\b/i;

/**
 * INTERNAL is what gRPC and Connect say of an envelope that is compressed where
 * nobody agreed on that, or that cannot be unpacked. The last is of the service
 * behind the gateway, which gives back what JSON cannot say.
 */
const byTheNorm =
  /received compressed envelope|decompression failed|google\.protobuf\.Value cannot be NaN or Infinity/;
export const isByTheNorm = (text: string): boolean => byTheNorm.test(text);

/** What is wrong with an answer, if anything is. */
export function wrongWith({ status, head, body }: HttpAnswer): string | undefined {
  const text = body.toString("latin1");
  if (status >= 500 && status !== 501 && status !== 505 && !isByTheNorm(text))
    return `status ${status} ${text.slice(0, 300)}`;
  // What was sent comes back from the service, so only failures are looked at.
  if ((status >= 400 || text.includes("grpc-status")) && insides.test(text)) return "tells of the inside";
  if (isByTheNorm(`${head}${text}`.replaceAll("%20", " "))) return undefined;
  if (ourCodes.test(head) || ((status >= 400 || text.includes("grpc-status:")) && ourCodes.test(text)))
    return "is called a fault of ours";
  if (status >= 400 && body.length > 0 && /\r\ncontent-type: application\/json/i.test(head)) {
    try {
      JSON.parse(body.toString());
    } catch {
      return head.toLowerCase().includes("content-encoding") ? undefined : "is no JSON";
    }
  }
  return undefined;
}
