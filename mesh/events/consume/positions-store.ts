import type { Query } from "../../db/database.ts";
import { uuidForm } from "../../id.ts";
import type { Place } from "./low-water.ts";

export interface Position extends Place {
  readonly savedAt: Date;
}

export async function positionOf(
  query: Query,
  consumer: string,
  stream: string,
): Promise<Position | undefined> {
  const [row] = await query<{ sequence: bigint; messageId: string | null; savedAt: Date }[]>`
    select sequence, message_id, saved_at from weft_positions
    where consumer = ${consumer} and stream = ${stream}`;
  return row && { sequence: Number(row.sequence), id: row.messageId ?? "", savedAt: row.savedAt };
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
