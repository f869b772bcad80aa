/** Errors of calls for which the callee did nothing. */
const unprocessed = new WeakSet<Error>();

export function markUnprocessed(error: Error): void {
  unprocessed.add(error);
}

/**
 * Whether a call failed before the callee did anything for it: no connection
 * was made, or the callee refused the call or was on its way out (RFC 9113
 * §8.7). Such a call may be made again elsewhere, whatever its method does.
 */
export function isUnprocessed(error: unknown): boolean {
  for (let it: unknown = error; it instanceof Error; it = it.cause) {
    if (unprocessed.has(it) || foundNoPeer(it)) return true;
  }
  return false;
}

const foundNoPeer = (error: Error) =>
  ("syscall" in error && (error.syscall === "connect" || error.syscall === "getaddrinfo")) ||
  // Where a name has several addresses, the error that gathers theirs has no syscall.
  ("code" in error && error.code === "ECONNREFUSED");
