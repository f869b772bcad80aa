import { Code, ConnectError } from "@connectrpc/connect";

/** Never right, however often it is tried. */
export function isTerminal(error: unknown): boolean {
  return (
    error instanceof ConnectError &&
    (error.code === Code.InvalidArgument ||
      error.code === Code.Unimplemented ||
      error.code === Code.OutOfRange)
  );
}

/** What people are to see of a failure: what an error hides from the wire included. */
export function describeFailure(error: unknown): { error: string; stack: string } {
  const inner = error instanceof ConnectError && error.cause instanceof Error ? error.cause : error;
  if (!(inner instanceof Error)) return { error: String(inner), stack: "" };
  return { error: inner.message, stack: inner.stack ?? "" };
}
