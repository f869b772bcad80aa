import type { Writable } from "node:stream";
import type { Message, MessageShape } from "@bufbuild/protobuf";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";

const headBytes = 4;

/** The messages that the suite's runner sends: each behind its length. */
export async function* readMessages<T extends Message>(
  input: AsyncIterable<Uint8Array>,
  schema: GenMessage<T>,
): AsyncIterable<MessageShape<GenMessage<T>>> {
  let held = Buffer.alloc(0);
  for await (const chunk of input) {
    held = Buffer.concat([held, chunk]);
    for (let whole = wholeFrame(held); whole !== undefined; whole = wholeFrame(held)) {
      yield fromBinary(schema, held.subarray(headBytes, whole));
      held = held.subarray(whole);
    }
  }
}

function wholeFrame(held: Buffer): number | undefined {
  if (held.length < headBytes) return undefined;
  const end = headBytes + held.readUInt32BE(0);
  return held.length < end ? undefined : end;
}

export function writeMessage<T extends Message>(output: Writable, schema: GenMessage<T>, message: T): void {
  const bytes = toBinary(schema, message);
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE(bytes.length);
  // In one write, so that answers which end at the same time do not mix.
  output.write(Buffer.concat([head, bytes]));
}
