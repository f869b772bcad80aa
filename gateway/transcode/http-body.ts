import type { DescField, DescMessage } from "@bufbuild/protobuf";
import type { WireOutput } from "./wire-output.ts";
import { Broken, WireScan } from "./wire-scan.ts";

/** A body that is passed on as it is, with its type (google.api.HttpBody). */
export interface HttpBody {
  readonly contentType: string;
  readonly data: Uint8Array;
}

export const isHttpBody = (desc: DescMessage): boolean => desc.typeName === "google.api.HttpBody";

export const httpBodyField = (field: DescField): boolean =>
  field.fieldKind === "message" && isHttpBody(field.message) && !field.delimitedEncoding;

const contentTypeTag = 0x0a;
const dataTag = 0x12;

/** What is said of a body that says nothing of itself (RFC 9110, section 8.3). */
const unknownType = "application/octet-stream";

/** Writes the content of an HttpBody. */
export function writeHttpBody(out: WireOutput, contentType: string, data: Uint8Array): void {
  out.reserve(data.length + contentType.length * 3 + 32);
  if (contentType !== "") {
    out.bytes[out.at++] = contentTypeTag;
    const start = out.open();
    out.at += out.bytes.write(contentType, out.at);
    out.close(start);
  }
  out.bytes[out.at++] = dataTag;
  out.varint(data.length);
  out.bytes.set(data, out.at);
  out.at += data.length;
}

interface Parts {
  contentType: string;
  data: Uint8Array;
}

/** Reads an HttpBody, or the one in a field of the message; the data is a view into it. */
export function readHttpBody(message: Uint8Array, field: number | undefined): HttpBody {
  const scan = new WireScan();
  scan.start(Buffer.from(message.buffer, message.byteOffset, message.byteLength));
  const parts: Parts = { contentType: "", data: new Uint8Array(0) };
  if (field === undefined) readParts(scan, message.length, parts);
  else {
    while (scan.at < message.length) {
      const tag = scan.varint();
      // A message that comes in two pieces is merged: what comes last stands.
      if (tag === ((field << 3) | 2) >>> 0) readParts(scan, scan.piece(message.length), parts);
      else scan.skip(tag & 7, tag >>> 3, message.length);
    }
  }
  return { contentType: headerSafe(parts.contentType) || unknownType, data: parts.data };
}

function readParts(scan: WireScan, end: number, parts: Parts): void {
  while (scan.at < end) {
    const tag = scan.varint();
    if (tag !== contentTypeTag && tag !== dataTag) {
      scan.skip(tag & 7, tag >>> 3, end);
      continue;
    }
    const to = scan.piece(end);
    const bytes = scan.source.subarray(scan.at, to);
    if (tag === contentTypeTag) parts.contentType = bytes.toString("utf8");
    else parts.data = bytes;
    scan.at = to;
  }
  if (scan.at !== end) throw new Broken("a body is longer than it says");
}

/** A type goes into a header, where other bytes would end the line or the answer. */
function headerSafe(contentType: string): string {
  if (!/^[\x20-\x7e]*$/.test(contentType)) throw new Broken("the content type is no header");
  return contentType;
}
