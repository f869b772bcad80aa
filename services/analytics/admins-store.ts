import type { Query } from "#mesh";
import { everybody } from "./rollup-lines.ts";

export async function noteAdmin(query: Query, userId: string, allowed: boolean, now: Date): Promise<void> {
  await query`
    insert into admins (user_id, allowed, asked_at) values (${userId}, ${allowed}, ${now})
    on conflict (user_id) do update set allowed = excluded.allowed, asked_at = excluded.asked_at`;
}

/** Who has thresholds over everybody's figures and was not asked about since. */
export async function adminsToAskAbout(query: Query, askedBefore: Date, limit: number): Promise<string[]> {
  const rows = await query<{ ownerId: string }[]>`
    select distinct t.owner_id from thresholds t left join admins a on a.user_id = t.owner_id
    where t.figures_of = ${everybody} and (a.asked_at is null or a.asked_at <= ${askedBefore})
    limit ${limit}`;
  return rows.map(({ ownerId }) => ownerId);
}

/** Whom nobody asks about any more. */
export async function dropAdmins(query: Query, askedBefore: Date, limit: number): Promise<number> {
  const { count } = await query`
    delete from admins where user_id in (
      select user_id from admins where asked_at < ${askedBefore} limit ${limit})`;
  return count;
}
