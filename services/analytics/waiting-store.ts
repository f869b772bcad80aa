import type { Query } from "#mesh";
import type { Fact } from "./facts/fact.ts";
import { factRows } from "./facts-store.ts";

export async function putWaiting(tx: Query, facts: readonly Fact[], now: Date): Promise<void> {
  if (facts.length === 0) return;
  await tx`
    insert into waiting_facts (id, occurred_at, metric, user_id, owner_id, subject_type, subject_id, currency,
      amount, value, tags, properties, put_at)
    select it.id, it."occurredAt", it.metric, it."userId", it."ownerId", it."subjectType", it."subjectId",
      it.currency, it.amount, it.value, it.tags, it.properties, ${now}
    from ${factRows(tx, facts)}`;
}

/** Takes the first of them away, in the transaction. */
export const takeWaiting = (tx: Query, limit: number): Promise<Fact[]> =>
  tx<Fact[]>`
    delete from waiting_facts where seq in (select seq from waiting_facts order by seq limit ${limit})
    returning id, occurred_at, metric, user_id, owner_id, subject_type, subject_id, currency, amount, value, tags,
      properties`;

/** Whether any has waited since before then. */
export async function waitsSince(query: Query, before: Date): Promise<boolean> {
  const [first] = await query<{ putAt: Date }[]>`select put_at from waiting_facts order by seq limit 1`;
  return first !== undefined && first.putAt < before;
}
