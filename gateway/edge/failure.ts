import { toJson } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { FieldPath } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { ViolationsSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "#gen/google/rpc/error_details_pb.js";
import { codeName, reasonOf } from "#mesh";
import { publicError, statusOf } from "./status.ts";

/** A failed request, as it is told to whoever made it. */
export interface Failure {
  readonly status: number;
  readonly error: string;
  /** gRPC's name of what kind it is, such as `not_found`. */
  readonly code: string;
  /** The stable name of the error; see docs/errors.md. */
  readonly reason: string;
  readonly details: readonly object[];
  readonly retryAfterSeconds: number | undefined;
}

export function failureOf(inside: ConnectError, service: string): Failure {
  const error = publicError(inside, service);
  const status = statusOf(error);
  return {
    status,
    error: error.rawMessage,
    code: codeName(error.code),
    reason: reasonOf(error),
    details: detailsOf(error),
    retryAfterSeconds: retryAfterOf(error) ?? (status === 429 || status === 503 ? 1 : undefined),
  };
}

/** Field, rule and message of each violation; what else a service says of the matter. */
function detailsOf(error: ConnectError): object[] {
  const violated = error
    .findDetails(ViolationsSchema)
    .flatMap(({ violations }) => violations)
    .map(({ field, ruleId, message }) => ({ field: fieldName(field), rule: ruleId, message }));
  const unreadable = error
    .findDetails(BadRequestSchema)
    .flatMap(({ fieldViolations }) => fieldViolations)
    .map(({ field, description }) => ({ field, message: description }));
  const facts = error
    .findDetails(ErrorInfoSchema)
    .filter(({ metadata }) => Object.keys(metadata).length > 0)
    .map((info) => toJson(ErrorInfoSchema, info) as object);
  return [...violated, ...unreadable, ...facts];
}

/** `items[3].price`, from the parts that a violation names. */
function fieldName(path: FieldPath | undefined): string {
  let name = "";
  for (const { fieldName: part, subscript } of path?.elements ?? []) {
    name += name === "" ? part : `.${part}`;
    if (subscript.case !== undefined) name += `[${JSON.stringify(subscript.value, bigint)}]`;
  }
  return name;
}

const bigint = (_key: string, value: unknown) => (typeof value === "bigint" ? Number(value) : value);

function retryAfterOf(error: ConnectError): number | undefined {
  const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  return delay && Math.max(1, Math.ceil(durationMs(delay) / 1000));
}
