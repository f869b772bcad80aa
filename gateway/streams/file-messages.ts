import type { DescMessage, Message } from "@bufbuild/protobuf";
import { create, fromBinary } from "@bufbuild/protobuf";
import type { EdgeRoute } from "../edge/route.ts";
import { httpBodyField, isHttpBody } from "../transcode/http-body.ts";
import { streamPolicy } from "./policy.ts";

/** Makes the messages by which a file is sent to a method that takes one. */
export interface FileMessages {
  /** What path and query say, and of what type the file is; no part of it yet, so that a refusal is early. */
  first(request: { captures: readonly string[]; query: string }, contentType: string): Message;
  data(data: Uint8Array): Message;
}

/** Nothing for a method whose body is JSON. */
export function fileMessagesOf({ binding, encode, method }: EdgeRoute): FileMessages | undefined {
  const { input } = method.desc;
  const { body } = binding;
  const read = (request: { captures: readonly string[]; query: string }) =>
    fromBinary(input, encode({ ...request, body: undefined, contentType: "" }));
  if (body === "*") {
    if (!isHttpBody(input)) return undefined;
    return {
      first: (request, contentType) => Object.assign(read(request), { contentType }),
      data: (data) => made(input, { data }),
    };
  }
  if (body?.fieldKind !== "message" || !httpBodyField(body)) return undefined;
  const { localName, message } = body;
  return {
    first: (request, contentType) =>
      Object.assign(read(request), { [localName]: made(message, { contentType }) }),
    data: (data) => made(input, { [localName]: made(message, { data }) }),
  };
}

const made = (desc: DescMessage, fields: Record<string, unknown>): Message => create(desc, fields as never);

/** Cuts a chunk into pieces that a message may have. Most are such a piece already. */
export function* piecesOf(chunk: Buffer): Generator<Buffer, void> {
  for (let at = 0; at < chunk.length; at += streamPolicy.chunkBytes) {
    yield chunk.subarray(at, at + streamPolicy.chunkBytes);
  }
}
