import type { Message } from "@bufbuild/protobuf";
import type { EdgeRoute } from "../edge/route.ts";
import type { FileMessages } from "./file-messages.ts";
import { piecesOf } from "./file-messages.ts";
import { isForm, readForm } from "./form.ts";
import { formQuery } from "./form-query.ts";

export interface UploadRequest {
  readonly captures: readonly string[];
  readonly query: string;
  readonly contentType: string;
}

/** The messages by which the file of a request, or that of a form in it, goes to its method. */
export async function* upload(
  route: EdgeRoute,
  messages: FileMessages,
  { captures, query, contentType }: UploadRequest,
  next: () => Promise<Buffer | undefined>,
  maxFieldBytes: number,
): AsyncGenerator<Message, void> {
  let more = next;
  if (isForm(contentType)) {
    const form = await readForm(contentType, next, maxFieldBytes);
    const { file } = form;
    more = file.next;
    yield messages.first({ captures, query: formQuery(route, query, form) }, file.contentType);
  } else {
    yield messages.first({ captures, query }, contentType);
  }
  for (;;) {
    const chunk = await more();
    if (!chunk) return;
    for (const piece of piecesOf(chunk)) yield messages.data(piece);
  }
}
