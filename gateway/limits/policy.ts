import type { DescMethod } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { methodName, optionsOf } from "#mesh/contract/options.ts";
import { fail } from "#mesh/errors.ts";

/** At most `requests` within any `seconds`. */
export interface Window {
  /** As the headers of an answer call it. */
  readonly name: string;
  readonly requests: number;
  readonly seconds: number;
}

/** Windows that all must have room. Made once per method, never per request. */
export interface LimitPolicy {
  /** Requests under policies of one id count together; "" is the one that all methods share. */
  readonly id: string;
  readonly windows: readonly Window[];
  readonly lengthsMs: readonly number[];
  /** Goes before an identity to tell what is counted. A changed window counts anew. */
  readonly prefix: string;
}

/** What anyone may do who is not told otherwise. */
export const defaultWindows: readonly Window[] = [
  { name: "second", requests: 10, seconds: 1 },
  { name: "ten-seconds", requests: 100, seconds: 10 },
  { name: "minute", requests: 1000, seconds: 60 },
];

/** Beyond these a contract is refused: a counter of a window has so much room. */
const mostRequests = 100_000;
export const mostSeconds = 86_400;
export const mostWindows = 4;

export function createLimitPolicy(id: string, windows: readonly Window[]): LimitPolicy {
  const shape = windows.map((it) => `${it.requests}/${it.seconds}`).join(",");
  return {
    id,
    windows,
    lengthsMs: windows.map((it) => Math.round(it.seconds * 1000)),
    prefix: id === "" ? "" : `${id}\0${shape}\0`,
  };
}

const sharedPolicy = createLimitPolicy("", defaultWindows);

/** The policies of a method, all of which must admit: the one of all methods, and its own where its contract states one. */
export function limitPoliciesOf(method: DescMethod): readonly LimitPolicy[] {
  const stated = optionsOf(method)?.rateLimit;
  if (!stated) return sharedOnly;
  const name = methodName(method);
  const seconds = stated.window ? durationMs(stated.window) / 1000 : 0;
  if (stated.requests < 1 || stated.requests > mostRequests) {
    throw refusal(
      `${name} limits to ${stated.requests} requests, which is not between 1 and ${mostRequests}`,
    );
  }
  // Headers tell windows in whole seconds (draft-ietf-httpapi-ratelimit-headers-10).
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > mostSeconds) {
    throw refusal(
      `${name} limits in a window of ${seconds} s, which is not a whole number from 1 to ${mostSeconds}`,
    );
  }
  return [sharedPolicy, createLimitPolicy(name, [{ name: method.name, requests: stated.requests, seconds }])];
}

const sharedOnly: readonly LimitPolicy[] = [sharedPolicy];

const refusal = (problem: string) =>
  fail.precondition("bad_rate_limit", problem, {
    remedy: "correct (mesh.v1.method).rate_limit in the .proto",
  });
