import type { DescService } from "@bufbuild/protobuf";
import { createRegistry } from "@bufbuild/protobuf";
import type { DestinationStream, Logger as Pino } from "pino";
import { pino, stdTimeFunctions } from "pino";
import { redactFields } from "./redact.ts";

export type Logger = Pino;

export interface LoggerOptions {
  service: string;
  level: string;
  contracts: readonly DescService[];
  /** Where lines go. Default: standard output. */
  destination?: DestinationStream;
}

/** One JSON object a line: `timestamp level service requestId message duration …`. */
export function createLogger({ service, level, contracts, destination }: LoggerOptions): Logger {
  const registry = createRegistry(...contracts);
  return pino(
    {
      level,
      base: { service },
      messageKey: "message",
      timestamp: () => stdTimeFunctions.isoTime().replace('"time"', '"timestamp"'),
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => redactFields(registry, fields),
      },
      serializers: { err: describeError },
      // A second line of defence behind the contract, for objects that are no messages.
      redact: {
        paths: ["password", "token", "authorization", "secret", "*.password", "*.token", "*.authorization"],
        censor: "[redacted]",
      },
    },
    destination ?? pino.destination({ dest: 1, sync: false }),
  );
}

interface DescribedError {
  type: string;
  message: string;
  code?: unknown;
  stack?: string | undefined;
  cause?: DescribedError;
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
    ...(cause !== undefined && depth < 3 ? { cause: describeError(cause, depth + 1) as DescribedError } : {}),
  };
}
