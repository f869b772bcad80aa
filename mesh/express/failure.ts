import { create, toBinary } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { fieldsOf, headersOf } from "../call/metadata.ts";
import { codeOf } from "../errors.ts";
import { fieldsFit, readFields, sizeOfFields, writeFields } from "./fields.ts";
import { kinds, wireLimits } from "./frame.ts";
import type { Outbox } from "./outbox.ts";
import type { Reader } from "./reader.ts";

/** A call's end without an answer. */
export interface Failure {
  readonly error: ConnectError;
  /** Work on the call began; if not, it may be made elsewhere whatever it does. */
  readonly processed: boolean;
  /** The handler passed on what a call of its own ended with, after the tries that one was worth. Default: no. */
  readonly passedOn?: boolean;
}

const longestMessage = 16 * 1024;

/** `more` is metadata beside the error's own. */
export function writeFailure(
  outbox: Outbox,
  id: number,
  { error, processed, passedOn = false }: Failure,
  more: readonly (Headers | undefined)[] = [],
): void {
  const message = error.rawMessage.slice(0, longestMessage);
  // What does not fit is left out: the code and the words matter most.
  const details = fitting(error.details.map(detailOf));
  const given = [error.metadata, ...more].flatMap((headers) => fieldsOf(headers) ?? []);
  const fields = given.length > 0 && fieldsFit(given) ? given : undefined;
  let size = 4 + 1 + 1 + 2 + message.length * 3 + 2 + sizeOfFields(fields);
  for (const { type, value } of details) size += 2 + type.length * 3 + 4 + value.length;
  outbox.begin(kinds.failure, size);
  outbox.u32(id);
  outbox.u8(error.code);
  outbox.u8((processed ? 1 : 0) | (passedOn ? 2 : 0));
  outbox.text(message);
  outbox.u16(details.length);
  for (const { type, value } of details) {
    outbox.text(type);
    outbox.u32(value.length);
    outbox.bytes(value);
  }
  writeFields(outbox, fields);
  outbox.finish();
}

/** Reads it behind its id. */
export function readFailure(reader: Reader): Failure {
  const code = codeOf(reader.u8());
  const flags = reader.u8();
  const error = new ConnectError(reader.text(), code);
  const count = reader.u16();
  for (let i = 0; i < count; i++) {
    const type = reader.text();
    // A copy, since an error may be kept for long and the bytes lie in a network buffer.
    error.details.push({ type, value: reader.bytes(reader.u32()).slice() });
  }
  const fields = readFields(reader);
  if (fields) for (const [name, value] of headersOf(fields)) error.metadata.append(name, value);
  return { error, processed: (flags & 1) !== 0, passedOn: (flags & 2) !== 0 };
}

interface Detail {
  readonly type: string;
  readonly value: Uint8Array;
}

/** Some errors are made once and said often. */
const encoded = new WeakMap<object, Detail>();

/** Details of errors that came from elsewhere are bytes already. */
function detailOf(detail: ConnectError["details"][number]): Detail {
  if (!("desc" in detail)) return detail;
  let known = encoded.get(detail);
  if (!known) {
    const { desc, value } = detail;
    known = { type: desc.typeName, value: toBinary(desc, create(desc, value)) };
    encoded.set(detail, known);
  }
  return known;
}

function fitting(details: readonly Detail[]): readonly Detail[] {
  let left = wireLimits.metadataBytes / 2;
  return details.filter(({ type, value }) => {
    const size = value.length + type.length * 3 + 64;
    if (size > left) return false;
    left -= size;
    return true;
  });
}
