import { createHmac, timingSafeEqual } from "node:crypto";
import { badSignature } from "../refusals.ts";
import type { CallbackRequest } from "./provider.ts";

/** How far the clocks of sender and receiver may be apart; older ones may be played again by a stranger. */
const toleranceMs = 5 * 60_000;

/**
 * Checks a callback that is signed as github.com/standard-webhooks says:
 * HMAC-SHA256 over `<id>.<timestamp>.<body>`, base64, one or more `v1,…`.
 */
export function verifyStandardWebhook(
  { headers, body }: CallbackRequest,
  secret: string,
  nowMs: number,
): void {
  const id = headers.get("webhook-id") ?? "";
  const timestamp = headers.get("webhook-timestamp") ?? "";
  const given = headers.get("webhook-signature") ?? "";
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  if (key.length === 0 || id === "" || !/^\d{1,12}$/.test(timestamp)) throw badSignature();
  if (Math.abs(nowMs - Number(timestamp) * 1000) > toleranceMs) throw badSignature();
  const wanted = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
  const matches = given.split(" ").some((it) => {
    const [version, text = ""] = it.split(",");
    const bytes = Buffer.from(text, "base64");
    return version === "v1" && bytes.length === wanted.length && timingSafeEqual(bytes, wanted);
  });
  if (!matches) throw badSignature();
}
