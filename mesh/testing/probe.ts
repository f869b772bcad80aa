import type { DescService, Message } from "@bufbuild/protobuf";
import type { GenMessage, GenService } from "@bufbuild/protobuf/codegenv2";
import { fail } from "../errors.ts";
import type { Handlers } from "../implementation.ts";
import { handlers } from "../implementation.ts";
import type { ServiceDefinition, Setup } from "../service.ts";
import { defineService } from "../service.ts";
import { testContract } from "./contract.ts";

export type Note = Message<"probe.v1.Note"> & {
  text: string;
  number: bigint;
  secret: string;
  data: Uint8Array;
  inner?: Note;
  notes: Note[];
  hidden?: Note;
};
type NoteDesc = GenMessage<Note>;
type Method<K extends string> = { methodKind: K; input: NoteDesc; output: NoteDesc };

/** A contract with a method of every kind, for tests of what carries calls. */
export type ProbeContract = GenService<{
  echo: Method<"unary">;
  look: Method<"unary">;
  refuse: Method<"unary">;
  break: Method<"unary">;
  hang: Method<"unary">;
  wait: Method<"unary">;
  mine: Method<"unary">;
  internal: Method<"unary">;
  count: Method<"server_streaming">;
  follow: Method<"server_streaming">;
  sum: Method<"client_streaming">;
  chat: Method<"bidi_streaming">;
}>;

const open = { access: { public: true } };

const contract: DescService = testContract({
  service: "probe",
  scopes: ["probe:use"],
  methods: {
    Echo: { options: open },
    Look: { options: open, noSideEffects: true },
    Refuse: { options: open },
    Break: { options: open },
    Hang: { options: { ...open, timeout: "0.150s" } },
    Wait: { options: open },
    Mine: { options: { access: { signedIn: true } } },
    Internal: { options: { access: { services: ["gateway"] } } },
    Count: { options: open, output: "stream" },
    Follow: { options: { ...open, timeout: "3600s" }, output: "stream" },
    Sum: { options: { ...open, timeout: "2s" }, input: "stream" },
    Chat: { options: open, input: "stream", output: "stream" },
  },
});
export const ProbeService = contract as unknown as ProbeContract;
export const NoteSchema = contract.methods[0]?.input as unknown as NoteDesc;

export type ProbeHandlers = Handlers<ProbeContract>;

/** What each method does unless a test says otherwise. */
export const usualHandlers: ProbeHandlers = {
  echo: (note) => note,
  look: (note) => ({ text: `saw ${note.text}` }),
  refuse: () => {
    throw fail.notFound("note_not_found", "no note has this text", { metadata: { text: "none" } });
  },
  break: () => {
    throw new Error("the password of the database is hunter2");
  },
  hang: () => new Promise(() => {}),
  wait: async () => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    return { text: "waited" };
  },
  mine: (_note, call) => ({ text: call.caller.user?.id ?? "" }),
  internal: (_note, call) => ({ text: call.caller.service?.name ?? "" }),
  async *count(note) {
    for (let number = 1n; number <= note.number; number++) yield { number };
  },
  async *follow(_note, call) {
    yield { text: "here" };
    await new Promise((resolve) => call.signal.addEventListener("abort", resolve, { once: true }));
  },
  async sum(notes) {
    let number = 0n;
    for await (const note of notes) number += note.number;
    return { number };
  },
  async *chat(notes) {
    for await (const note of notes) yield { text: `heard ${note.text}` };
  },
};

/** A service that answers the probe's contract. */
export function probeService(
  own: Partial<ProbeHandlers> = {},
  onSetup: (given: Pick<Setup<never, never>, "health" | "log" | "stopping">) => void = () => {},
): ServiceDefinition {
  return defineService({
    name: "probe",
    contracts: [ProbeService],
    setup: ({ health, log, stopping }) => {
      onSetup({ health, log, stopping });
      return { rpc: [handlers(ProbeService, { ...usualHandlers, ...own })] };
    },
  });
}
