import type { BytesClient } from "#mesh/client/bytes-client.ts";
import type { Intake } from "#mesh/rpc/intake.ts";
import type { AnsweredMethod } from "#mesh/rpc/method.ts";
import type { CachePolicy } from "../cache/cache-policy.ts";
import type { Binding } from "../routing/binding.ts";
import type { RequestParts } from "../transcode/request.ts";

/** A binding with all it takes to answer requests by it, found once for each snapshot. */
export interface EdgeRoute {
  readonly binding: Binding;
  /** The process that answers. */
  readonly service: string;
  readonly method: AnsweredMethod;
  /** The door of the contract that it is of. */
  readonly intake: Intake;
  /** HTTP status of an answer that went well. */
  readonly status: number;
  readonly encode: (parts: RequestParts) => Uint8Array<ArrayBuffer>;
  /** The answer's data as JSON. */
  readonly write: (message: Uint8Array) => string;
  /** The answer as it is, where its contract says that it is no JSON (google.api.HttpBody). */
  readonly raw: ((message: Uint8Array) => { contentType: string; data: Uint8Array }) | undefined;
  readonly call: BytesClient;
  /** Its data is the whole answer, without an envelope: what others than our frontends read (RFC 8615). */
  readonly bare: boolean;
  /** How long answers may be kept, where the contract allows it. */
  readonly cache: CachePolicy | undefined;
  /** A single call for JSON that made twice does more than made once, so an Idempotency-Key is heeded. */
  readonly keyed: boolean;
  /** The service itself does so, and its answers are its own. */
  readonly keepsKeys: boolean;
  /** Only services may call it: the gateway passes on the proof that they show, and nothing of its own. */
  readonly forServices: boolean;
  /** Headers of a request that its handler is told beside the usual ones. */
  readonly headers: readonly string[];
}
