import type { Query } from "../../db/database.ts";
import { uuidForm } from "../../id.ts";
import type { Place } from "./low-water.ts";

export interface Position extends Place {
  /** What is behind this was not begun. */
  readonly reach: number;
  readonly savedAt: Date;
}

export async function positionOf(
  query: Query,
  consumer: string,
  stream: string,
): Promise<Position | undefined> {
  const [row] = await query<{ sequence: bigint; messageId: string | null; reach: bigint; savedAt: Date }[]>`
    select sequence, message_id, reach, saved_at from weft_positions
    where consumer = ${consumer} and stream = ${stream}`;
  if (!row) return undefined;
  const { sequence, messageId, reach, savedAt } = row;
  return { sequence: Number(sequence), id: messageId ?? "", reach: Number(reach), savedAt };
}

/** Saves how far a consumer is, unless another instance has taken over. */
export async function savePosition(
  query: Query,
  consumer: string,
  stream: string,
  { sequence, id }: Place,
  epoch: bigint,
): Promise<void> {
  await query`
    insert into weft_positions as p (consumer, stream, sequence, message_id)
    select ${consumer}::text, ${stream}::text, ${sequence}::bigint, ${uuidForm.test(id) ? id : null}::uuid
    from weft_fences where name = ${consumer} and epoch = ${epoch}
    on conflict (consumer, stream) do update set
      sequence = excluded.sequence, message_id = excluded.message_id, saved_at = excluded.saved_at`;
}

/** Says how far events may be begun, before they are, unless another instance has taken over. */
export async function saveReach(
  query: Query,
  consumer: string,
  stream: string,
  reach: number,
  epoch: bigint,
): Promise<void> {
  await query`
    insert into weft_positions (consumer, stream, sequence, reach)
    select ${consumer}::text, ${stream}::text, 0, ${reach}::bigint
    from weft_fences where name = ${consumer} and epoch = ${epoch}
    on conflict (consumer, stream) do update set reach = excluded.reach`;
}
