import { durationMs } from "@bufbuild/protobuf/wkt";
import type { ConnectError } from "@connectrpc/connect";
import { Code } from "@connectrpc/connect";
import { RetryInfoSchema } from "#gen/google/rpc/error_details_pb.js";
import { reasonOf, WeftError } from "#mesh";

/** What each gRPC code is in HTTP, where the reason says nothing more precise. */
const statusOfCode: Readonly<Record<Code, number>> = {
  // Nobody reads it: the client is gone. The number is the one that proxies use for that.
  [Code.Canceled]: 499,
  [Code.Unknown]: 500,
  [Code.InvalidArgument]: 400,
  [Code.DeadlineExceeded]: 504,
  [Code.NotFound]: 404,
  [Code.AlreadyExists]: 409,
  [Code.PermissionDenied]: 403,
  [Code.ResourceExhausted]: 429,
  [Code.FailedPrecondition]: 409,
  [Code.Aborted]: 409,
  [Code.OutOfRange]: 400,
  [Code.Unimplemented]: 501,
  [Code.Internal]: 500,
  [Code.Unavailable]: 503,
  [Code.DataLoss]: 500,
  [Code.Unauthenticated]: 401,
};

const statusOfReason: ReadonlyMap<string, number> = new Map([
  ["contract_violation", 422],
  ["idempotency_key_reused", 422],
  ["unsupported_media_type", 415],
  ["unsupported_encoding", 415],
  ["method_not_allowed", 405],
  ["not_acceptable", 406],
  ["range_not_satisfiable", 416],
  ["path_too_long", 414],
  ["body_too_large", 413],
  ["body_too_slow", 408],
  ["message_too_large", 413],
  // The service is full, whoever asks: that is not this caller's doing.
  ["overloaded", 503],
  ["too_many_calls", 503],
  ["too_many_bytes", 503],
  ["bulkhead_full", 503],
  ["bulkhead_wait", 503],
  // It is there, but what it says or how it ends is not what was agreed.
  ["connection_lost", 502],
  ["unreadable_answer", 502],
  ["too_much_metadata", 502],
]);

export function statusOf(error: ConnectError): number {
  return statusOfReason.get(reasonOf(error)) ?? statusOfCode[error.code];
}

/**
 * What the mesh says of its own inside (addresses, breakers, budgets) is for
 * logs; strangers are told in general what is the matter.
 */
const plainly: ReadonlyMap<string, (service: string) => string> = new Map([
  ["no_instance", (service) => `${service} is not available now; try again later`],
  ["unreachable", (service) => `${service} is not available now; try again later`],
  ["not_processed", (service) => `${service} is not available now; try again`],
  ["stopping", (service) => `${service} is being replaced; try again`],
  ["breaker_open", (service) => `${service} is not well now; try again later`],
  ["connection_lost", (service) => `the connection to ${service} broke while it answered`],
  ["unreadable_answer", (service) => `${service} gave an answer that cannot be read`],
  ["too_much_metadata", (service) => `${service} gave an answer that cannot be passed on`],
  ["deadline_exceeded", (service) => `${service} did not answer in time`],
  ["overloaded", (service) => `${service} has too much to do now; try again`],
  ["too_many_calls", (service) => `${service} has too much to do now; try again`],
  ["too_many_bytes", (service) => `${service} has too much to do now; try again`],
  ["bulkhead_full", (service) => `${service} has too much to do now; try again`],
  ["bulkhead_wait", (service) => `${service} has too much to do now; try again`],
]);

/**
 * The same error for strangers, with its reason and how long to wait; further
 * facts of what happens inside are left out with the message.
 */
export function publicError(error: ConnectError, service: string): ConnectError {
  const reason = reasonOf(error);
  const message = plainly.get(reason)?.(service);
  if (message === undefined) return error;
  const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  return new WeftError(error.code, reason, message, {
    cause: error.cause,
    ...(delay && { retryAfterMs: durationMs(delay) }),
  });
}
