import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate } from "node:zlib";
import { fail } from "#mesh";
import type { Hold } from "#mesh/bounds/held.ts";
import { hasBody } from "#mesh/server/body.ts";
import type { NodeServerRequest } from "#mesh/server/node.ts";

const decoders = {
  gzip: promisify(gunzip),
  "x-gzip": promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
};

export interface BodyLimits {
  readonly bytes: number;
  /** From the headers to the last byte, however steadily it drips. */
  readonly ms: number;
}

/** A request's whole body, counted while it comes, and unpacked. No promise where there is none. */
export function readWhole(
  request: NodeServerRequest,
  limits: BodyLimits,
  openHold: () => Hold,
): Promise<Uint8Array> | undefined {
  return hasBody(request) ? readAll(request, limits, openHold) : undefined;
}

async function readAll(
  request: NodeServerRequest,
  { bytes: maxBytes, ms }: BodyLimits,
  openHold: () => Hold,
): Promise<Uint8Array> {
  const { headers } = request;
  if (Number(headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const coding = headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
  const decode = coding === "identity" ? undefined : decoders[coding as keyof typeof decoders];
  if (coding !== "identity" && !decode) throw unknownCoding(coding);
  const packed = await collect(request, { bytes: maxBytes, ms }, openHold());
  if (!decode || packed.length === 0) return packed;
  return decode(packed, { maxOutputLength: maxBytes }).catch((cause: unknown) => {
    throw isTooLong(cause) ? tooLarge(maxBytes) : badCoding(coding, cause);
  });
}

function collect(
  request: NodeServerRequest,
  { bytes: maxBytes, ms }: BodyLimits,
  hold: Hold,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = setTimeout(() => stop(tooSlow(ms)), ms);
    const over = () => {
      clearTimeout(timer);
      request.off("data", onData);
      request.off("end", onEnd);
      request.off("error", onGone);
      request.off("close", onGone);
    };
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) {
        stop(tooLarge(maxBytes));
        return;
      }
      hold.take(chunk.length);
      chunks.push(chunk);
    };
    const stop = (error: Error) => {
      over();
      // What still comes is not kept; the port sees to it that it ends.
      request.resume();
      reject(error);
    };
    const onEnd = () => {
      over();
      const [only] = chunks;
      resolve(chunks.length === 1 && only ? only : Buffer.concat(chunks, size));
    };
    const onGone = () => {
      over();
      reject(fail.canceled("canceled", "the client hung up before its request was whole"));
    };
    request.on("data", onData);
    request.once("end", onEnd);
    request.once("error", onGone);
    request.once("close", onGone);
  });
}

const tooLarge = (maxBytes: number) =>
  fail.exhausted("body_too_large", `the body has more than ${maxBytes} bytes`, {
    remedy: "send less at a time",
  });
const tooSlow = (ms: number) =>
  fail.deadline("body_too_slow", `the body did not come within ${ms / 1000} s`, { remedy: "send it faster" });
const unknownCoding = (coding: string) =>
  fail.invalid(
    "unsupported_encoding",
    `no body is read in the encoding ${JSON.stringify(coding.slice(0, 40))}`,
    {
      remedy: "send it as it is, or by gzip, br or deflate",
    },
  );
const badCoding = (coding: string, cause: unknown) =>
  fail.invalid("bad_encoding", `the body is not in the encoding it says: ${coding}`, { cause });

const isTooLong = (error: unknown) =>
  error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
