import type { Query } from "#mesh";
import type { ChannelName } from "./channels.ts";

export type DeliveryState = "queued" | "held" | "sent" | "delivered" | "failed" | "skipped";

export interface DeliveryRow {
  readonly id: string;
  readonly notificationId: string;
  readonly userId: string;
  readonly channel: ChannelName;
  readonly status: DeliveryState;
  readonly reason: string;
  readonly provider: string;
  readonly providerReference: string;
  readonly answer: string;
  readonly attempts: number;
  readonly heldUntil: Date | null;
  readonly digest: boolean;
  readonly digestLead: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type NewDelivery = Pick<
  DeliveryRow,
  "id" | "notificationId" | "userId" | "channel" | "status" | "reason" | "provider" | "heldUntil" | "digest"
>;

export async function insertDelivery(query: Query, it: NewDelivery, now: Date): Promise<void> {
  await query`
    insert into deliveries (id, notification_id, user_id, channel, status, reason, provider, held_until, digest,
      created_at, updated_at)
    values (${it.id}, ${it.notificationId}, ${it.userId}, ${it.channel}, ${it.status}, ${it.reason},
      ${it.provider}, ${it.heldUntil}, ${it.digest}, ${now}, ${now})`;
}

export async function deliveriesOf(query: Query, notificationId: string): Promise<DeliveryRow[]> {
  return query<DeliveryRow[]>`
    select * from deliveries where notification_id = ${notificationId}
    order by array_position(array['email', 'sms', 'push', 'in_app'], channel)`;
}

/** A delivery with what it brings. */
export interface Parcel extends DeliveryRow {
  readonly topic: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly link: string;
  /** In whose name it speaks; empty for the platform. */
  readonly voice: string;
}

export async function findParcel(
  query: Query,
  notificationId: string,
  channel: ChannelName,
): Promise<Parcel | undefined> {
  const [row] = await query<Parcel[]>`
    select d.*, n.topic, n.subject, n.text, n.html, n.link, n.voice
    from deliveries d join notifications n on n.id = d.notification_id
    where d.notification_id = ${notificationId} and d.channel = ${channel}`;
  return row;
}

/**
 * Those that go out with this one: all that are due with it and that no other
 * takes along. It is one of them, unless another takes it along.
 */
export async function gatherDigest(query: Query, lead: DeliveryRow, limit: number): Promise<Parcel[]> {
  await query`
    update deliveries set digest_lead = ${lead.id}
    where id in (
      select id from deliveries
      where user_id = ${lead.userId} and digest and status = 'held' and held_until <= ${lead.heldUntil}
        and digest_lead is null
      order by (id = ${lead.id}) desc, id
      limit ${limit}
      for update)`;
  return query<Parcel[]>`
    select d.*, n.topic, n.subject, n.text, n.html, n.link, n.voice
    from deliveries d join notifications n on n.id = d.notification_id
    where d.digest_lead = ${lead.id} and d.status = 'held'
    order by d.id`;
}

export interface Outcome {
  readonly status: DeliveryState;
  readonly reason: string;
  readonly provider: string;
  readonly reference: string;
  readonly answer: string;
  readonly attempts: number;
}

/** Those of them that were open, as they are now. */
export async function closeDeliveries(
  query: Query,
  ids: readonly string[],
  outcome: Outcome,
  now: Date,
): Promise<DeliveryRow[]> {
  const { status, reason, provider, reference, answer, attempts } = outcome;
  return query<DeliveryRow[]>`
    update deliveries set status = ${status}, reason = ${reason}, provider = ${provider},
      provider_reference = ${reference}, answer = ${answer}, attempts = ${attempts}, updated_at = ${now}
    where id = any(${[...ids]}::uuid[])
      and (status in ('queued', 'held') or (status = 'failed' and reason = ${unreachable}))
    returning *`;
}

/** What a provider said to an attempt after which there is another. */
export async function noteAttempt(
  query: Query,
  ids: readonly string[],
  { provider, answer, attempts }: Pick<Outcome, "provider" | "answer" | "attempts">,
  now: Date,
): Promise<void> {
  await query`
    update deliveries set provider = ${provider}, answer = ${answer}, attempts = ${attempts}, updated_at = ${now}
    where id = any(${[...ids]}::uuid[]) and status in ('queued', 'held')`;
}

/** Why deliveries fail that may be tried again by an operator: the provider was never there. */
export const unreachable = "provider_unavailable";

/** Whether there is still something to do of it. */
export const isOpen = ({ status, reason }: DeliveryRow): boolean =>
  status === "queued" || status === "held" || (status === "failed" && reason === unreachable);

export async function countOverdue(query: Query, before: Date): Promise<number> {
  const [row] = await query<{ count: number }[]>`
    select count(*)::int as count from deliveries
    where status in ('queued', 'held') and coalesce(held_until, created_at) < ${before}`;
  return row?.count ?? 0;
}
