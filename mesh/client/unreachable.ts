import { fail, type WeftError } from "../errors.ts";
import { markUnprocessed } from "./unprocessed.ts";

/** No connection: nothing was sent, so the call may be made again whatever it does. */
export function unreachable(address: string, cause: Error): WeftError {
  const error = fail.unavailable("unreachable", `cannot connect to ${address}: ${cause.message}`, { cause });
  markUnprocessed(error);
  return error;
}
