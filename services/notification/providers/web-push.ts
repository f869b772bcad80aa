import webPush from "web-push";
import type { PostPush, PushAnswer } from "./push-post.ts";

export interface Vapid {
  readonly publicKey: string;
  readonly privateKey: string;
  readonly subject: string;
}

export interface Browser {
  readonly endpoint: string;
  readonly p256dh: string;
  readonly auth: string;
}

export interface PushMessage {
  /** A message takes the place of an undelivered one with its id (RFC 8030 §5.4). */
  readonly id: string;
  readonly subject: string;
  readonly text: string;
  readonly link: string;
}

/** How long a push service keeps it for a browser that is off. */
const ttlS = 3 * 24 * 60 * 60;

/** Encrypts a message for a browser (RFC 8291) and hands it to its push service. */
export function pushTo(
  vapid: Vapid,
  post: PostPush,
  { endpoint, p256dh, auth }: Browser,
  message: PushMessage,
  signal: AbortSignal,
): Promise<PushAnswer> {
  const { id, subject, text, link } = message;
  const details = webPush.generateRequestDetails(
    { endpoint, keys: { p256dh, auth } },
    JSON.stringify({ id, subject, text, link }),
    { vapidDetails: vapid, TTL: ttlS, contentEncoding: "aes128gcm", topic: id.replaceAll("-", "") },
  );
  return post(
    {
      endpoint: details.endpoint,
      headers: details.headers as Record<string, string | number>,
      body: details.body ?? Buffer.alloc(0),
    },
    signal,
  );
}
