import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import { create, fromBinary, isMessage, toBinary } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import type { LiveCall } from "../call/live-call.ts";
import { codeName, fail, toWireError } from "../errors.ts";
import type { Arrival } from "./intake.ts";
import type { AnsweredMethod } from "./method.ts";
import { failureOf, untilEnded } from "./perform.ts";
import type { CallRecord, Peer } from "./record.ts";
import type { Rpc } from "./rpc.ts";
import { validate } from "./validate.ts";

/** How a single call went. */
export type Outcome =
  | { readonly bytes: Uint8Array; readonly error?: undefined }
  | {
      readonly error: ConnectError;
      /** Work on it began; if not, it may be made elsewhere whatever it does. */
      readonly processed: boolean;
    };

export interface UnaryCall {
  readonly method: AnsweredMethod;
  readonly arrival: Arrival;
  readonly message: Uint8Array;
  readonly peer: Peer;
  /** Told as soon as the call exists, so that it can be ended. */
  readonly onCall: (call: LiveCall) => void;
}

/**
 * Answers a single call for the lanes that deal in bytes: by the same door and
 * under the same rules as the general lane, in one go. Never throws.
 */
export async function answerUnary(rpc: Rpc, asked: UnaryCall): Promise<Outcome> {
  const { method, arrival, message, peer, onCall } = asked;
  const record: CallRecord = { method: method.name, startedAt: performance.now(), peer };
  try {
    const admitted = rpc.intake.admit(method, arrival, record);
    const call = admitted instanceof Promise ? await admitted : admitted;
    onCall(call);
    const bytes = await perform(rpc, method, call, message, record);
    rpc.intake.over(record, "ok");
    return { bytes };
  } catch (thrown) {
    const error = record.call ? failureOf(record.call, thrown) : toWireError(thrown);
    record.error = error;
    rpc.intake.over(record, codeName(error.code));
    return { error, processed: record.began === true };
  }
}

async function perform(
  rpc: Rpc,
  method: AnsweredMethod,
  call: LiveCall,
  message: Uint8Array,
  record: CallRecord,
): Promise<Uint8Array> {
  // Other kinds of method take the general lane.
  const { input, output } = method.desc as DescMethodUnary;
  if (message.length > rpc.messageBytes) throw tooLarge("request", message.length, rpc.messageBytes);
  const request = read(() => fromBinary(input, message));
  validate(input, request);
  record.began = true;
  const answer = await untilEnded(call, () => method.handler(request, call));
  record.answered = true;
  const bytes = toBinary(output, isMessage(answer, output) ? answer : create(output, answer as Partial<Message>));
  if (bytes.length > rpc.messageBytes) throw tooLarge("answer", bytes.length, rpc.messageBytes);
  return bytes;
}

function read<T>(decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw fail.invalid("unreadable_message", "the message is not one of its type", { cause });
  }
}

const tooLarge = (what: string, bytes: number, allowed: number) =>
  fail.exhausted("message_too_large", `the ${what} has ${bytes} bytes; ${allowed} are allowed`);
