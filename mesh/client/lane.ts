import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import type { UnaryResponse } from "@connectrpc/connect";
import type { ExpressAnswer, ExpressRequest } from "../express/client-connection.ts";
import type { Failure } from "../express/failure.ts";

/** One single call, ready for any lane; what remains of its time is set at each try. */
export interface LaneRequest extends ExpressRequest {
  readonly method: DescMethodUnary;
  /** Where the caller has it as a message; its bytes are there in any case. */
  readonly input: Message | undefined;
  timeoutMs: number;
}

/** An answer, in the form its lane has it. */
export type LaneAnswer = ExpressAnswer | UnaryResponse;

/** Told how one try of a call ended: with an answer or without, once. */
export interface Settle {
  answered(answer: LaneAnswer): void;
  failed(failure: Failure): void;
}

/** A way to one instance for single calls. */
export interface UnaryLane {
  /** Makes a try; gives back how to give it up, after which nothing is told any more. */
  start(request: LaneRequest, settle: Settle): () => void;
  close(): void;
}
