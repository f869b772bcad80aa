import type { MessageInitShape } from "@bufbuild/protobuf";
import { fromJson } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type {
  BroadcastSchema,
  BroadcastStatsSchema,
  RecipientSchema,
} from "#gen/broadcast/v1/broadcast_pb.js";
import {
  BroadcastStatus,
  SegmentSchema,
  RecipientStatus as ShownRecipient,
} from "#gen/broadcast/v1/broadcast_pb.js";
import { FromTemplateSchema, WordsSchema } from "#gen/notification/v1/notification_pb.js";
import type { BroadcastRow, Particulars } from "./broadcasts-store.ts";
import { channelsToSend } from "./channels.ts";
import { recipientsOf } from "./machine.ts";
import type { RecipientRow, RecipientStatus } from "./recipients-store.ts";
import { stateOf } from "./record.ts";
import type { Status } from "./status.ts";

const statuses: Readonly<Record<Status, BroadcastStatus>> = {
  draft: BroadcastStatus.DRAFT,
  scheduled: BroadcastStatus.SCHEDULED,
  gathering: BroadcastStatus.GATHERING,
  sending: BroadcastStatus.SENDING,
  paused: BroadcastStatus.PAUSED,
  completed: BroadcastStatus.COMPLETED,
  cancelled: BroadcastStatus.CANCELLED,
};

/** Nothing for the status that says nothing. */
export const statusOf = (status: BroadcastStatus): Status | undefined =>
  (Object.keys(statuses) as Status[]).find((it) => statuses[it] === status);

export function toBroadcast(
  row: BroadcastRow,
  { segment, template, words }: Particulars,
  userIds: readonly string[] = [],
): MessageInitShape<typeof BroadcastSchema> {
  const { id, ownerId, name, topic, link, perSecond, reason, sendAt, startedAt, finishedAt } = row;
  return {
    id,
    ownerId,
    name,
    status: statuses[row.status],
    segment: { ...fromJson(SegmentSchema, segment), userIds: [...userIds] },
    topic,
    link,
    reason,
    channels: channelsToSend(row.channels),
    perSecond,
    ...(template && { template: fromJson(FromTemplateSchema, template) }),
    ...(words && { words: fromJson(WordsSchema, words) }),
    createdAt: timestampFromDate(row.createdAt),
    ...(sendAt && { sendAt: timestampFromDate(sendAt) }),
    ...(startedAt && { startedAt: timestampFromDate(startedAt) }),
    ...(finishedAt && { finishedAt: timestampFromDate(finishedAt) }),
  };
}

export function toStats(row: BroadcastRow): MessageInitShape<typeof BroadcastStatsSchema> {
  const { waiting, sending, sent, failed, skipped } = row;
  return {
    recipients: BigInt(recipientsOf(stateOf(row))),
    waiting: BigInt(waiting + sending),
    sent: BigInt(sent),
    failed: BigInt(failed),
    skipped: BigInt(skipped),
  };
}

/** Those who waited when it was cancelled are skipped, without a write for each of maybe a million. */
const isSkipped = ({ status, finishedAt }: BroadcastRow) => status === "cancelled" && finishedAt !== null;

/** What is kept of those whom the contract calls so; nothing for all. */
export function recipientStatuses(
  wanted: ShownRecipient,
  row: BroadcastRow,
): readonly RecipientStatus[] | undefined {
  const waiting: readonly RecipientStatus[] = ["waiting", "sending"];
  switch (wanted) {
    case ShownRecipient.UNSPECIFIED:
      return undefined;
    case ShownRecipient.WAITING:
      return isSkipped(row) ? [] : waiting;
    case ShownRecipient.SENT:
      return ["sent"];
    case ShownRecipient.FAILED:
      return ["failed"];
    case ShownRecipient.SKIPPED:
      return isSkipped(row) ? ["skipped", ...waiting] : ["skipped"];
  }
}

const shownRecipient: Readonly<Record<RecipientStatus, ShownRecipient>> = {
  waiting: ShownRecipient.WAITING,
  sending: ShownRecipient.WAITING,
  sent: ShownRecipient.SENT,
  failed: ShownRecipient.FAILED,
  skipped: ShownRecipient.SKIPPED,
};

/** Why is not told to everybody. */
export function toRecipient(
  { userId, status, notificationId, reason, updatedAt }: RecipientRow,
  row: BroadcastRow,
  isTold: boolean,
): MessageInitShape<typeof RecipientSchema> {
  const isCancelled = isSkipped(row) && (status === "waiting" || status === "sending");
  const why = isCancelled ? "cancelled" : reason;
  return {
    userId,
    status: isCancelled ? ShownRecipient.SKIPPED : shownRecipient[status],
    notificationId: notificationId ?? "",
    reason: isTold ? why : "",
    updatedAt: timestampFromDate(isCancelled && row.finishedAt ? row.finishedAt : updatedAt),
  };
}
