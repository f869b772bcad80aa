import type { DescService } from "@bufbuild/protobuf";
import type { DestinationStream, Logger as Pino } from "pino";
import { pino, stdTimeFunctions } from "pino";
import type { Clean } from "./clean.ts";
import { createClean } from "./clean.ts";

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
  const clean = createClean(contracts);
  const logger = pino(
    {
      level,
      base: { service },
      messageKey: "message",
      timestamp: () => stdTimeFunctions.isoTime().replace('"time"', '"timestamp"'),
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => clean(fields) as Record<string, unknown>,
      },
      // Errors are described by then; pino's own way would show all their members.
      serializers: { err: (described) => described },
      hooks: {
        // What a `%o` in the message would print does not pass the formatter.
        logMethod(args, method) {
          const [first, ...rest] = args;
          method.apply(this, [first, ...rest.map(clean)] as unknown as Parameters<typeof method>);
        },
      },
    },
    destination ?? standardOutput(),
  );
  return withCleanBindings(logger, clean);
}

/** Gathers lines and writes them when it can, so that a slow reader of them slows no call. */
export const standardOutput = (): DestinationStream => pino.destination({ dest: 1, sync: false });

/** Nor do the fields of child loggers, so they are cleaned when they are bound. */
function withCleanBindings(logger: Logger, clean: Clean): Logger {
  const { child } = logger;
  return Object.assign(logger, {
    child(this: Logger, bindings: object, ...options: unknown[]) {
      return Reflect.apply(child, this, [clean(bindings), ...options]);
    },
  });
}
