import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import { fromBinary } from "@bufbuild/protobuf";
import type { UnaryResponse } from "@connectrpc/connect";
import type { Fields } from "../call/metadata.ts";
import { headersOf } from "../call/metadata.ts";
import { fail } from "../errors.ts";
import type { ExpressAnswer } from "../express/client-connection.ts";
import type { LaneAnswer } from "./lane.ts";

/** An answer as clients take it. Headers are made only for those who look at them. */
class Answer implements UnaryResponse {
  readonly stream = false;
  readonly method: DescMethodUnary;
  readonly message: Message;
  private readonly headerFields: Fields;
  private readonly trailerFields: Fields;
  private readonly requestId: string;
  private headers: Headers | undefined = undefined;
  private trailers: Headers | undefined = undefined;

  constructor(method: DescMethodUnary, answer: ExpressAnswer, requestId: string) {
    this.method = method;
    this.message = read(method, answer.message);
    this.headerFields = answer.header;
    this.trailerFields = answer.trailer;
    this.requestId = requestId;
  }

  get service() {
    return this.method.parent;
  }

  get header(): Headers {
    if (!this.headers) {
      this.headers = headersOf(this.headerFields);
      this.headers.set("x-request-id", this.requestId);
    }
    return this.headers;
  }

  get trailer(): Headers {
    this.trailers ??= headersOf(this.trailerFields);
    return this.trailers;
  }
}

export function responseOf(method: DescMethodUnary, answer: LaneAnswer, requestId: string): UnaryResponse {
  return "stream" in answer ? answer : new Answer(method, answer, requestId);
}

function read(method: DescMethodUnary, bytes: Uint8Array): Message {
  try {
    return fromBinary(method.output, bytes);
  } catch (cause) {
    throw fail.internal("unreadable_answer", `the answer of ${method.name} is not one of its type`, {
      cause,
    });
  }
}
