import type { JsonObject } from "@bufbuild/protobuf";
import { isRepeatable, onlyReads } from "#mesh/contract/safety.ts";
import type { Binding } from "../routing/binding.ts";
import { audienceOf } from "./access.ts";
import { refTo } from "./document.ts";

/** How calls fail, by HTTP status; the code is that of the error in the envelope. */
interface Failure {
  readonly status: number;
  readonly name: string;
  readonly code: string;
  readonly description: string;
  readonly headers?: readonly string[];
  /** Whether a call by this binding can fail so. */
  readonly concerns: (call: Call) => boolean;
}

interface Call {
  readonly isPublic: boolean;
  readonly hasBody: boolean;
  readonly hasVariables: boolean;
  readonly hasRules: boolean;
  readonly writes: boolean;
  readonly takesKey: boolean;
}

const always = () => true;

export const failures: readonly Failure[] = [
  {
    status: 400,
    name: "BadRequest",
    code: "invalid_argument",
    description: "The path, the query or the body cannot be read, or they disagree.",
    concerns: always,
  },
  {
    status: 401,
    name: "Unauthenticated",
    code: "unauthenticated",
    description: "No credentials, or they do not hold (any more).",
    // A token that does not hold is refused where none is needed, too.
    concerns: always,
  },
  {
    status: 403,
    name: "Forbidden",
    code: "permission_denied",
    description: "Known, but not allowed to do this.",
    concerns: ({ isPublic }) => !isPublic,
  },
  {
    status: 404,
    name: "NotFound",
    code: "not_found",
    description: "There is none, or none that the caller may know of.",
    concerns: ({ hasVariables, hasBody }) => hasVariables || hasBody,
  },
  {
    status: 409,
    name: "Conflict",
    code: "already_exists",
    description: "It exists already, was changed meanwhile, or is not in a state for this.",
    concerns: ({ writes }) => writes,
  },
  {
    status: 413,
    name: "TooLarge",
    code: "resource_exhausted",
    description: "The body is larger than may be.",
    concerns: ({ hasBody }) => hasBody,
  },
  {
    status: 415,
    name: "UnsupportedMediaType",
    code: "invalid_argument",
    description: "The body is of a type, or packed in a way, that is not read here.",
    concerns: ({ hasBody }) => hasBody,
  },
  {
    status: 422,
    name: "ContractViolation",
    code: "invalid_argument",
    description:
      "Fields break the rules of the contract: `details` names each with its rule. Or the Idempotency-Key was used for another request.",
    concerns: ({ hasRules, takesKey }) => hasRules || takesKey,
  },
  {
    status: 429,
    name: "TooManyRequests",
    code: "resource_exhausted",
    description: "More calls than the limits allow.",
    headers: ["Retry-After", "RateLimit", "RateLimit-Policy"],
    concerns: always,
  },
  {
    status: 500,
    name: "InternalError",
    code: "internal",
    description: "A mistake of ours. The log has it under the request id.",
    concerns: always,
  },
  {
    status: 502,
    name: "BadGateway",
    code: "unavailable",
    description: "The service broke off, or answered what cannot be read.",
    concerns: always,
  },
  {
    status: 503,
    name: "Unavailable",
    code: "unavailable",
    description: "The service is away or has too much to do.",
    headers: ["Retry-After"],
    concerns: always,
  },
  {
    status: 504,
    name: "DeadlineExceeded",
    code: "deadline_exceeded",
    description: "Not answered in time.",
    concerns: always,
  },
];

/** On every answer there is; told of at the successful ones, so that a page of failures stays readable. */
export const usualHeaders: JsonObject = headersOf([
  "X-Request-ID",
  "X-Correlation-ID",
  "RateLimit",
  "RateLimit-Policy",
]);

export function headersOf(names: readonly string[]): JsonObject {
  return Object.fromEntries(names.map((name) => [name, refTo("headers", name)]));
}

/** POST and PATCH that may not be made twice take a key by which the second is known. */
export const takesKey = ({ method, verb }: Binding): boolean =>
  (verb === "POST" || verb === "PATCH") && !isRepeatable(method);

export function failuresOf(binding: Binding, hasRules: boolean): JsonObject {
  const { method, body, variables } = binding;
  const call: Call = {
    isPublic: audienceOf(method)?.kind === "public",
    hasBody: body !== undefined,
    hasVariables: variables.length > 0,
    hasRules,
    writes: !onlyReads(method),
    takesKey: takesKey(binding),
  };
  return Object.fromEntries(
    failures
      .filter(({ concerns }) => concerns(call))
      .map(({ status, name }) => [status, refTo("responses", name)]),
  );
}
