import type { JsonObject } from "@bufbuild/protobuf";
import { QueueService } from "#gen/queue/v1/queue_pb.js";
import type { DeadLetters } from "#mesh/dead-letters/dead-letters.ts";
import { fail } from "#mesh/errors.ts";
import type { FindType } from "../events/message-types.ts";
import { encodeEdited, showPayload } from "../events/payload.ts";
import { asOperator } from "../operator.ts";
import type { Workspace } from "../workspace.ts";
import type { Letter } from "./letter.ts";
import { fromEvent, fromQueue, isJobLetter } from "./letter.ts";

/** What can be done with one dead letter, of whichever kind. */
export interface Desk {
  show(id: string): Promise<Letter>;
  /** Gives it to its consumer or a worker again, as it was or edited. */
  replay(id: string, edited?: JsonObject): Promise<void>;
  drop(id: string): Promise<void>;
}

export interface DeskOptions {
  readonly workspace: Workspace;
  readonly events: DeadLetters;
  readonly find: FindType;
}

/** Events are dealt with where they are, with no service's help; jobs by the queue service. */
export function createDesk({ workspace, events, find }: DeskOptions): Desk {
  let opened: ReturnType<typeof openQueue> | undefined;
  const openQueue = () => asOperator(QueueService, workspace);
  const queue = () => {
    opened ??= openQueue();
    return opened;
  };
  const requireEvent = async (id: string) => (await events.get(id)) ?? missing(id);

  return {
    async show(id) {
      if (isJobLetter(id)) {
        const { deadLetter } = await (await queue()).getDeadLetter({ id });
        return deadLetter ? fromQueue(deadLetter) : missing(id);
      }
      const letter = await requireEvent(id);
      const { json, problem } = await showPayload(find, letter.type, letter.data);
      return { ...fromEvent(letter), ...(json ? { payload: json } : { problem }) };
    },
    async replay(id, edited) {
      if (isJobLetter(id)) {
        await (await queue()).replayDeadLetter({ id, ...(edited && { payload: edited }) });
        return;
      }
      let data: Uint8Array | undefined;
      if (edited) {
        const letter = await requireEvent(id);
        data = await encodeEdited(find, letter.type, edited, letter.data);
      }
      if (!(await events.replay(id, data))) missing(id);
    },
    async drop(id) {
      if (isJobLetter(id)) await (await queue()).dropDeadLetter({ id });
      else if (!(await events.drop(id))) missing(id);
    },
  };
}

function missing(id: string): never {
  throw fail.notFound("dead_letter_not_found", `no dead letter has the id ${id}`, {
    remedy: "it may have been replayed or dropped; see `weft dlq ls`",
  });
}
