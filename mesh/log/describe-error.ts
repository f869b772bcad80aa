export interface DescribedError {
  type: string;
  message: string;
  code?: unknown;
  stack?: string | undefined;
  cause?: unknown;
}

/**
 * An error with its causes. Only these members: database errors carry the
 * offending row, network errors whole requests.
 */
export function describeError(error: unknown, depth = 0): DescribedError | unknown {
  if (!(error instanceof Error)) return typeof error === "object" ? "[object]" : error;
  const { cause, code } = error as { cause?: unknown; code?: unknown };
  return {
    type: error.name,
    message: error.message,
    ...(code === undefined ? {} : { code }),
    stack: error.stack?.split("\n").slice(1, 12).join("\n"),
    ...(cause !== undefined && depth < 3 ? { cause: describeError(cause, depth + 1) } : {}),
  };
}
