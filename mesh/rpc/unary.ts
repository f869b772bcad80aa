import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import { create, fromBinary, isMessage, toBinary } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { serverLimits } from "../bounds/limits.ts";
import type { LiveCall } from "../call/live-call.ts";
import { isPassedOn } from "../call/passed-on.ts";
import { codeName, fail, toWireError } from "../errors.ts";
import { befall, faultHeader } from "../faults/faults.ts";
import type { Arrival } from "./intake.ts";
import type { AnsweredMethod } from "./method.ts";
import { failureOf, untilEnded } from "./perform.ts";
import type { CallRecord, Peer } from "./record.ts";
import type { Rpc } from "./rpc.ts";
import type { Turn } from "./turns.ts";
import { takeTurn } from "./turns.ts";
import { validate } from "./validate.ts";

/** How a single call went. */
export type Outcome =
  | { readonly bytes: Uint8Array; readonly error?: undefined }
  | {
      readonly error: ConnectError;
      /** Work on it began; if not, it may be made elsewhere whatever it does. */
      readonly processed: boolean;
      /** The handler passed on what a call of its own ended with. */
      readonly passedOn: boolean;
    };

export interface UnaryCall {
  readonly method: AnsweredMethod;
  readonly arrival: Arrival;
  readonly message: Uint8Array;
  readonly peer: Peer;
  /** Told as soon as the call exists, so that it can be ended. */
  onCall(call: LiveCall): void;
  /** Told once, at the end. */
  onOutcome(outcome: Outcome): void;
}

/**
 * Answers a single call for the lanes that deal in bytes: by the same door and
 * under the same rules as the general lane. Never throws.
 */
export function answerUnary(rpc: Rpc, asked: UnaryCall): void {
  new UnaryAnswer(rpc, asked).begin();
}

class UnaryAnswer implements Turn {
  private readonly rpc: Rpc;
  private readonly asked: UnaryCall;
  private readonly record: CallRecord;

  constructor(rpc: Rpc, asked: UnaryCall) {
    this.rpc = rpc;
    this.asked = asked;
    const { method, peer } = asked;
    this.record = { method, startedAt: performance.now(), peer };
  }

  begin(): void {
    try {
      const admitted = this.rpc.intake.admit(this.asked.arrival, this.record);
      if (admitted instanceof Promise) admitted.then(this.admitted, this.failed);
      else this.admitted(admitted);
    } catch (thrown) {
      this.failed(thrown);
    }
  }

  run(): void {
    this.perform().then(this.succeeded, this.failed);
  }

  private readonly admitted = (call: LiveCall): void => {
    this.asked.onCall(call);
    takeTurn(this);
  };

  private async perform(): Promise<Uint8Array> {
    const { rpc, record } = this;
    const { method, message, arrival } = this.asked;
    const { call } = record;
    if (!call) throw fail.internal("no_call", "the call did not pass the gate");
    // The event loop may have been too busy for the call's own timer.
    call.expireIfLate();
    if (call.ended !== undefined) throw call.ended;
    // Other kinds of method take the general lane.
    const { input, output } = method.desc as DescMethodUnary;
    if (message.length > rpc.messageBytes) throw tooLarge("request", message.length, rpc.messageBytes);
    const request = read(input, message);
    validate(input, request);
    record.began = true;
    const fault = method.drawFault?.(arrival.header(faultHeader));
    if (fault) await untilEnded(call, () => befall(fault, call.signal));
    const answer = await untilEnded(call, () => method.handler(request, call));
    record.answered = true;
    const bytes = toBinary(
      output,
      isMessage(answer, output) ? answer : create(output, answer as Partial<Message>),
    );
    if (bytes.length > serverLimits.messageBytes) {
      throw tooLarge("answer", bytes.length, serverLimits.messageBytes);
    }
    return bytes;
  }

  private readonly succeeded = (bytes: Uint8Array): void => {
    this.rpc.intake.over(this.record, "ok");
    this.asked.onOutcome({ bytes });
  };

  private readonly failed = (thrown: unknown): void => {
    const { record } = this;
    const error = record.call ? failureOf(record.call, thrown) : toWireError(thrown);
    record.error = error;
    this.rpc.intake.over(record, codeName(error.code));
    this.asked.onOutcome({ error, processed: record.began === true, passedOn: isPassedOn(thrown) });
  };
}

function read(schema: DescMethodUnary["input"], message: Uint8Array): Message {
  try {
    return fromBinary(schema, message);
  } catch (cause) {
    throw fail.invalid("unreadable_message", "the message is not one of its type", { cause });
  }
}

const tooLarge = (what: string, bytes: number, allowed: number) =>
  fail.exhausted("message_too_large", `the ${what} has ${bytes} bytes; ${allowed} are allowed`);
