import { Code, ConnectError } from "@connectrpc/connect";
import type { SendNotificationResponse } from "#gen/notification/v1/notification_pb.js";
import { DeliveryStatus } from "#gen/notification/v1/notification_pb.js";
import { canonicalId, isRefusal, reasonOf } from "#mesh";

/** What the notification service made of one recipient. */
export type Answer =
  | { readonly kind: "sent"; readonly notificationId: string; readonly arrived: boolean }
  | { readonly kind: "failed"; readonly notificationId: string | null; readonly reason: string }
  | { readonly kind: "skipped"; readonly notificationId: string | null; readonly reason: string }
  /** What it says is not to be sent, to this user at least. */
  | { readonly kind: "refused"; readonly reason: string }
  /** The service is away, or has too much to do. */
  | { readonly kind: "again" }
  /** It was not asked: its turn did not come. */
  | { readonly kind: "left" }
  /** Something broke, maybe for this user alone. */
  | { readonly kind: "broken"; readonly reason: string };

const { SKIPPED, FAILED, SENT, DELIVERED } = DeliveryStatus;

/** A repeated call is answered with what became of the first one meanwhile. */
export function answerOf({ notification, deliveries }: SendNotificationResponse): Answer {
  const notificationId = notification ? canonicalId(notification.id) : null;
  const went = deliveries.filter(({ status }) => status !== SKIPPED);
  if (went.length === 0 || notificationId === null) {
    return { kind: "skipped", notificationId, reason: deliveries[0]?.reason || "not_wanted" };
  }
  const [failed] = went;
  if (failed && went.every(({ status }) => status === FAILED)) {
    return { kind: "failed", notificationId, reason: failed.reason || "failed" };
  }
  const arrived = went.some(({ status }) => status === SENT || status === DELIVERED);
  return { kind: "sent", notificationId, arrived };
}

const mistakes: ReadonlySet<Code> = new Set([Code.Internal, Code.Unknown, Code.DataLoss]);

export function answerOfError(error: unknown): Answer {
  const reason = reasonOf(error);
  if (!(error instanceof ConnectError)) return { kind: "broken", reason };
  const { code } = error;
  if (reason === "recipient_not_found") return { kind: "skipped", notificationId: null, reason: "gone" };
  if (isRefusal(error)) return { kind: "refused", reason };
  return mistakes.has(code) ? { kind: "broken", reason } : { kind: "again" };
}
