import { durationMs } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import { RetryInfoSchema } from "#gen/google/rpc/error_details_pb.js";

/** How long the callee asked to be left alone. */
export function retryAfterOf(error: ConnectError): number {
  const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  return delay ? durationMs(delay) : 0;
}

/** The same error, which also tells what the caller's side did about it. */
export function withNote(error: ConnectError, note: string): ConnectError {
  const noted = new ConnectError(
    `${error.rawMessage} (${note})`,
    error.code,
    error.metadata,
    undefined,
    // What caused it, not itself: logs and spans tell the cause in its place, and would lose the note.
    error.cause,
  );
  noted.details = error.details;
  return noted;
}
