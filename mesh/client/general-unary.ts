import { fromBinary } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { Code, ConnectError } from "@connectrpc/connect";
import { headersOf } from "../call/metadata.ts";
import { userHeader } from "../identity/tokens.ts";
import { explainAnswer } from "./broken-answer.ts";
import type { LaneRequest, UnaryLane } from "./lane.ts";
import { isUnprocessed } from "./unprocessed.ts";

/** Single calls over the general lane, for what the express lane does not carry. */
export function createGeneralUnary(transport: Transport): UnaryLane {
  return {
    start(request, settle) {
      const { method, timeoutMs, message } = request;
      const input = request.input ?? fromBinary(method.input, message);
      const givenUp = new AbortController();
      // The header of the Connect protocol has whole milliseconds.
      transport.unary(method, givenUp.signal, Math.ceil(timeoutMs), headerOf(request), input).then(
        (answer) => {
          if (!givenUp.signal.aborted) settle.answered(answer);
        },
        (thrown: unknown) => {
          if (givenUp.signal.aborted) return;
          settle.failed({ error: explainAnswer(thrown), processed: !isUnprocessed(thrown) });
        },
      );
      return () => givenUp.abort(new ConnectError("the call was given up", Code.Canceled));
    },
    // The transport's connections are for whoever opened it to end.
    close: () => {},
  };
}

/** What has a place of its own in the express lane's frames is a header here. */
export function headerOf(
  request: Pick<
    LaneRequest,
    "fields" | "authorization" | "statement" | "requestId" | "correlationId" | "traceparent"
  >,
): Headers {
  const header = headersOf(request.fields);
  const own = {
    authorization: request.authorization,
    [userHeader]: request.statement,
    "x-request-id": request.requestId,
    "x-correlation-id": request.correlationId,
    traceparent: request.traceparent,
  };
  for (const [name, value] of Object.entries(own)) if (value) header.set(name, value);
  return header;
}
