import { Code, ConnectError } from "@connectrpc/connect";
import { fail } from "../errors.ts";

/**
 * What the protocol library says of an answer that is none, in our words. Its
 * codes are those of the protocol and would blame the caller: a proxy's page
 * for 401 is no word about the caller's token, and an answer that is too large
 * is not the caller asking too often.
 */
export function explainAnswer(thrown: unknown): ConnectError {
  const error = ConnectError.from(thrown);
  // Details are a callee's own words; what may be tried elsewhere is explained already.
  if (error.details.length > 0 || error.code === Code.Unavailable) return error;
  const text = error.rawMessage;
  if (brokenOff.test(text)) {
    return fail.unavailable("connection_lost", "the answer broke off before it was whole", { cause: thrown });
  }
  if (!foreign.test(text)) return error;
  return fail.internal("unreadable_answer", `what came is no answer: ${text}`, { cause: thrown });
}

/** As connect 2 and Node say it; pinned by the versions in package.json and by a test. */
const brokenOff = /^(http\/2 stream closed|Stream closed with error|protocol error: promised \d)/;
const foreign = /^(HTTP \d{3}$|unsupported content type|parse binary|message size )/;
