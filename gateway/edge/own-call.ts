import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import { create, fromBinary, isMessage, toBinary } from "@bufbuild/protobuf";
import { runInCall } from "#mesh/call/call.ts";
import type { BytesClient } from "#mesh/client/bytes-client.ts";
import type { AnsweredMethod } from "#mesh/rpc/method.ts";
import { validate } from "#mesh/rpc/validate.ts";

/** Calls a method of the gateway itself, which has no socket to go through. */
export const ownCall =
  ({ handler }: AnsweredMethod): BytesClient =>
  async (call, { input, output }: DescMethodUnary, bytes) => {
    const request = fromBinary(input, bytes);
    validate(input, request);
    const answer = await runInCall(call, () => handler(request, call));
    const message = isMessage(answer, output) ? answer : create(output, answer as Partial<Message>);
    return { header: undefined, message: toBinary(output, message) };
  };
