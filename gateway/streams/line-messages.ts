import type { Message } from "@bufbuild/protobuf";
import { fromBinary } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { fail } from "#mesh/errors.ts";
import type { EdgeRoute } from "../edge/route.ts";
import { linesOf } from "./lines.ts";

/**
 * The messages of a request that has one on each line. What the path says holds
 * for each of them.
 */
export async function* lineMessages(
  { encode, method }: EdgeRoute,
  request: { captures: readonly string[]; query: string },
  next: () => Promise<Buffer | undefined>,
  maxBytes: number,
): AsyncGenerator<Message, void> {
  let line = 0;
  for await (const body of linesOf(next, maxBytes)) {
    line++;
    let bytes: Uint8Array;
    try {
      bytes = encode({ ...request, body, contentType: "application/json" });
    } catch (thrown) {
      throw atLine(line, thrown);
    }
    yield fromBinary(method.desc.input, bytes);
  }
}

const lines = /^application\/x-ndjson\s*(;\s*charset="?utf-8"?\s*)?$/i;

export function mustBeLines(contentType: string): void {
  if (lines.test(contentType)) return;
  const got = contentType === "" ? "no content type" : contentType.slice(0, 80);
  throw fail.invalid("unsupported_media_type", `expected one JSON message a line, got ${got}`, {
    remedy: "send it with Content-Type: application/x-ndjson",
  });
}

/** Which of many messages is meant. */
function atLine(line: number, thrown: unknown): unknown {
  if (!(thrown instanceof ConnectError)) return thrown;
  const error = new ConnectError(
    `line ${line}: ${thrown.rawMessage}`,
    thrown.code,
    undefined,
    undefined,
    thrown,
  );
  error.details = thrown.details;
  return error;
}
