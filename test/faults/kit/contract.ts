import type { GenMessage, GenService } from "@bufbuild/protobuf/codegenv2";
import { testContract } from "#mesh/testing/contract.ts";
import type { Note } from "#mesh/testing/probe.ts";

type Method<K extends string> = { methodKind: K; input: GenMessage<Note>; output: GenMessage<Note> };

/** What every worker answers, whatever it is called. */
export type WorkerContract = GenService<{
  look: Method<"unary">;
  change: Method<"unary">;
  work: Method<"unary">;
  relay: Method<"unary">;
  guarded: Method<"unary">;
  pour: Method<"server_streaming">;
  talk: Method<"bidi_streaming">;
}>;

const open = { access: { public: true } };
const known = new Map<string, WorkerContract>();

/** The contract of workers of this name: each name is a service of its own. */
export function workerContract(service: string): WorkerContract {
  let contract = known.get(service);
  if (!contract) {
    contract = testContract({
      service,
      methods: {
        Look: { options: open, noSideEffects: true },
        Change: { options: open },
        Work: { options: open },
        Relay: { options: open },
        Guarded: { options: { access: { services: ["*"] } } },
        Pour: { options: open, output: "stream" },
        Talk: { options: open, input: "stream", output: "stream" },
      },
    }) as unknown as WorkerContract;
    known.set(service, contract);
  }
  return contract;
}
