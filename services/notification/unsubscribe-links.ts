import { createHmac, timingSafeEqual } from "node:crypto";
import type { Query } from "#mesh";
import { only } from "#mesh";

/** Whose e-mails a link ends, and of what. */
export interface Unwanted {
  readonly userId: string;
  readonly topic: string;
}

/** Links by which somebody ends e-mails without signing in: who has the letter may. */
export interface UnsubscribeLinks {
  /** Undefined where nobody said at what address the platform is reached. */
  to(unwanted: Unwanted): string | undefined;
  /** Undefined for a token that is none of ours. */
  read(token: string): Unwanted | undefined;
}

/** The signature is cut to half: still 128 bits, and a shorter link. */
const signatureBytes = 16;
const form = /^([0-9a-f-]{36})\.([a-z][a-z0-9_.-]{0,62})\.([\w-]{22})$/;

/** @param base Where the platform is reached from outside, such as `https://shop.example.com`. */
export function createUnsubscribeLinks(key: Uint8Array, base: URL | undefined): UnsubscribeLinks {
  const sign = (text: string) =>
    createHmac("sha256", key).update(`unsubscribe:${text}`).digest().subarray(0, signatureBytes);
  return {
    to({ userId, topic }) {
      if (!base) return undefined;
      const text = `${userId}.${topic}`;
      const token = `${text}.${sign(text).toString("base64url")}`;
      return new URL(`/api/v1/notifications/unsubscribe/${token}`, base).href;
    },
    read(token) {
      const [, userId = "", topic = "", signature = ""] = form.exec(token) ?? [];
      const given = Buffer.from(signature, "base64url");
      if (given.length !== signatureBytes) return undefined;
      return timingSafeEqual(given, sign(`${userId}.${topic}`)) ? { userId, topic } : undefined;
    },
  };
}

/** The key that all instances share; made by the migration. */
export const readLinkKey = async (query: Query): Promise<Uint8Array> =>
  only(await query<{ key: Uint8Array }[]>`select key from link_key`).key;
