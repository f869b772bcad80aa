import type { Call } from "#mesh/call/call.ts";
import { fail } from "#mesh/errors.ts";
import type { Note, ProbeHandlers } from "#mesh/testing/probe.ts";
import { usualHandlers } from "#mesh/testing/probe.ts";

/** Calls that a handler saw end early, by the text of their note. */
export type EndedCalls = Map<string, () => void>;

/** Handlers that show what of a call arrives, and do what their note says. */
export function probeHandlers(ended: EndedCalls): ProbeHandlers {
  const untilEnded = ({ text }: Note, { signal }: Call) =>
    new Promise<never>((_resolve, reject) => {
      signal.addEventListener("abort", () => {
        ended.get(text)?.();
        reject(signal.reason);
      });
    });
  return {
    ...usualHandlers,
    /** Gives metadata back as it came, and how much time the call has. */
    look(note, call) {
      call.responseHeader.set("x-header", call.requestHeader.get("x-sent") ?? "");
      call.responseTrailer.set("x-trailer", call.requestHeader.get("x-sent") ?? "");
      call.responseTrailer.set("x-bytes-bin", call.requestHeader.get("x-bytes-bin") ?? "");
      const number = Number.isFinite(call.deadline) ? BigInt(call.deadline - Date.now()) : -1n;
      return { text: note.text, number };
    },
    refuse(note, call) {
      call.responseTrailer.set("x-trailer", "behind the error");
      throw fail.notFound("note_not_found", "kein Zettel heißt so: 100 %", { metadata: { text: note.text } });
    },
    hang: untilEnded,
    async *count(note, call) {
      call.responseHeader.set("x-header", "first");
      call.responseTrailer.set("x-trailer", "last");
      for (let number = 1n; number <= note.number; number++) yield { number };
      if (note.text) throw fail.aborted("enough", note.text);
    },
    async *follow(note, call) {
      yield { text: "here" };
      await untilEnded(note, call);
    },
    async *chat(notes) {
      for await (const note of notes) {
        if (note.text === "stop") throw fail.aborted("told_to_stop", "told to stop");
        yield { text: `heard ${note.text}` };
      }
    },
    async sum(notes) {
      let number = 0n;
      for await (const note of notes) {
        if (note.number < 0n) throw fail.invalid("negative", "no negative numbers");
        number += note.number;
      }
      return { number };
    },
  };
}
