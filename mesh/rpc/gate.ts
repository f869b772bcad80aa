import type { HandlerContext } from "@connectrpc/connect";
import { fail } from "../errors.ts";
import type { Arrival, Intake } from "./intake.ts";
import { recordKey } from "./record.ts";

/** Leads the calls of the general lane to the intake, before their bodies are read. */
export function createGate(intake: Intake) {
  return async (context: HandlerContext): Promise<void> => {
    const record = context.values.get(recordKey);
    if (!record) throw fail.internal("no_record", `a call of ${context.method.name} is not observed`);
    try {
      const admitted = Promise.try(() => intake.admit(arrivalOf(context), record));
      // The ids are known by now, and a refusal carries them too.
      context.responseHeader.set("x-request-id", record.ids?.requestId ?? "");
      context.responseHeader.set("x-correlation-id", record.ids?.correlationId ?? "");
      const call = await admitted;
      const hungUp = () => call.end(context.signal.reason);
      if (context.signal.aborted) hungUp();
      else context.signal.addEventListener("abort", hungUp, { once: true });
    } catch (error) {
      record.error = error;
      throw error;
    }
  };
}

function arrivalOf(context: HandlerContext): Arrival {
  const { requestHeader, responseHeader, responseTrailer } = context;
  return {
    header: (name) => requestHeader.get(name) ?? undefined,
    timeoutMs: context.timeoutMs(),
    requestHeader,
    responseHeader,
    responseTrailer,
  };
}
