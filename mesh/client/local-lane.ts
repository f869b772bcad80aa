import { fieldsOf } from "../call/metadata.ts";
import { fail } from "../errors.ts";
import { ExpressArrival } from "../express/arrival.ts";
import type { AnsweredMethod } from "../rpc/method.ts";
import type { Rpc } from "../rpc/rpc.ts";
import { answerUnary } from "../rpc/unary.ts";
import type { UnaryLane } from "./lane.ts";

const peer = { address: "127.0.0.1", protocol: "in-process" };

/**
 * Calls a service in this very process. The socket is left out and nothing
 * else: the same door, the same rules, and messages that are copies.
 */
export function createLocalLane(rpc: Rpc): UnaryLane {
  const methods = new Map<string, AnsweredMethod>([...rpc.methods.values()].map((it) => [`/${it.name}`, it]));
  return {
    start(request, settle) {
      const method = methods.get(request.path);
      let givenUp = false;
      let end: (() => void) | undefined;
      if (!method) {
        const error = fail.unimplemented("unimplemented", `nothing is served at ${request.path}`);
        queueMicrotask(() => !givenUp && settle.failed({ error, processed: false }));
        return () => {
          givenUp = true;
        };
      }
      const arrival = new ExpressArrival(request);
      answerUnary(rpc, {
        method,
        arrival,
        message: request.message,
        peer,
        onCall: (call) => {
          end = () => call.end(fail.canceled("canceled", "the caller gave up"));
          if (givenUp) end();
        },
        onOutcome: (outcome) => {
          if (givenUp) return;
          if (outcome.error) {
            settle.failed(outcome);
            return;
          }
          const [header, trailer] = [fieldsOf(arrival.answerHeader), fieldsOf(arrival.answerTrailer)];
          settle.answered({ header, trailer, message: outcome.bytes });
        },
      });
      return () => {
        givenUp = true;
        end?.();
      };
    },
    close: () => {},
  };
}
