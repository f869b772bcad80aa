import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema, RetryInfoSchema } from "#gen/google/rpc/error_details_pb.js";

/** A typed fact that travels with an error (google.rpc.Status.details). */
export interface OutgoingDetail {
  readonly desc: DescMessage;
  readonly value: MessageInitShape<DescMessage>;
}

export interface WeftErrorOptions {
  /** What the reader can do about it; appended to the message. */
  remedy?: string;
  /** How long to wait before another try is of use. */
  retryAfterMs?: number;
  /** Facts for programs, beside the sentence for people. */
  metadata?: Record<string, string>;
  /** Further typed details for the wire. */
  details?: OutgoingDetail[];
  /** What caused it. Logged, never sent. */
  cause?: unknown;
}

/**
 * The one error of the mesh. It has a stable `reason` for programs, a message
 * for people and a gRPC code for the wire. The cause stays inside the process.
 */
export class WeftError extends ConnectError {
  readonly reason: string;
  readonly retryAfterMs: number | undefined;

  constructor(code: Code, reason: string, message: string, options: WeftErrorOptions = {}) {
    const { remedy, retryAfterMs, cause } = options;
    super(remedy ? `${message}; ${remedy}` : message, code, undefined, details(code, reason, options), cause);
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }

  /** ConnectError's own test goes by name and would take any of them for ours. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && Object.getPrototypeOf(value) === WeftError.prototype;
  }
}

function details(code: Code, reason: string, options: WeftErrorOptions): OutgoingDetail[] {
  const { metadata, retryAfterMs, details: more = [] } = options;
  const own: OutgoingDetail[] = [];
  // A reason that only repeats the code is told by the code: see `reasonOf`.
  if (metadata !== undefined || reason !== codeName(code)) {
    own.push({ desc: ErrorInfoSchema, value: { reason, domain: "weft", metadata: metadata ?? {} } });
  }
  if (retryAfterMs !== undefined) {
    const retryDelay = durationFromMs(Math.max(0, Math.ceil(retryAfterMs)));
    own.push({ desc: RetryInfoSchema, value: { retryDelay } });
  }
  return [...own, ...more];
}

type Fail = (reason: string, message: string, options?: WeftErrorOptions) => WeftError;

const failure =
  (code: Code): Fail =>
  (reason, message, options) =>
    new WeftError(code, reason, message, options);

/** One maker per code: `throw fail.notFound("user_not_found", "no user has this id")`. */
export const fail = {
  canceled: failure(Code.Canceled),
  invalid: failure(Code.InvalidArgument),
  unauthenticated: failure(Code.Unauthenticated),
  denied: failure(Code.PermissionDenied),
  notFound: failure(Code.NotFound),
  alreadyExists: failure(Code.AlreadyExists),
  precondition: failure(Code.FailedPrecondition),
  aborted: failure(Code.Aborted),
  exhausted: failure(Code.ResourceExhausted),
  unavailable: failure(Code.Unavailable),
  deadline: failure(Code.DeadlineExceeded),
  unimplemented: failure(Code.Unimplemented),
  internal: failure(Code.Internal),
};

/**
 * Makes an error of whatever was thrown. A foreign error becomes INTERNAL with
 * a message that tells nothing of the inside; what it was stays in `cause`.
 */
export function toWireError(thrown: unknown): ConnectError {
  if (thrown instanceof ConnectError) return thrown;
  if (thrown instanceof Error && thrown.name === "AbortError") {
    return fail.canceled("canceled", "the call was cancelled", { cause: thrown });
  }
  if (isStoreAway(thrown)) {
    return fail.unavailable("store_unavailable", "a store of this service cannot be reached now", {
      remedy: "try again",
      retryAfterMs: 1000,
      cause: thrown,
    });
  }
  return fail.internal("internal", "internal error", {
    remedy: "the service's log has the cause under this request id",
    cause: thrown,
  });
}

/**
 * PostgreSQL that starts, stops or is gone: its own codes (classes 08 and 57P)
 * and those of its client and of sockets.
 */
const awayCodes = /^(08...|57P0[123]|CONNECTION_\w+|CONNECT_TIMEOUT|ECONNREFUSED|ECONNRESET|EPIPE)$/;

export function isStoreAway(thrown: unknown): boolean {
  return (
    thrown instanceof Error &&
    "code" in thrown &&
    typeof thrown.code === "string" &&
    awayCodes.test(thrown.code)
  );
}

/** Whether this is what a signal of `AbortSignal.timeout` ends with: a deadline by another name. */
export const isTimeout = (reason: unknown): boolean =>
  reason instanceof Error && reason.name === "TimeoutError";

/** The stable name of an error, whoever raised it. */
export function reasonOf(error: unknown): string {
  if (error instanceof WeftError) return error.reason;
  if (!(error instanceof ConnectError)) return "internal";
  return error.findDetails(ErrorInfoSchema)[0]?.reason ?? codeName(error.code);
}

/** Said of the request itself, and would be said again. All else may be otherwise in a moment. */
const refusals: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.NotFound,
  Code.AlreadyExists,
  Code.FailedPrecondition,
  Code.OutOfRange,
]);

/** Whether this would be answered again, however often it is asked. */
export const isRefusal = (error: unknown): error is ConnectError =>
  error instanceof ConnectError && refusals.has(error.code);

/** The code of this number; UNKNOWN for one that there is not. */
export function codeOf(number: number): Code {
  return Code[number] === undefined ? Code.Unknown : number;
}

/** A gRPC code the way logs and metrics spell it: `resource_exhausted`. */
export function codeName(code: Code): string {
  return (Code[code] ?? "Unknown").replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}
