import { createHmac } from "node:crypto";

/** `stripe-signature` of a body: docs.stripe.com/webhooks#verify-manually. */
export function signStripe(body: string, secret: string, nowMs: number): Record<string, string> {
  const t = Math.floor(nowMs / 1000);
  const v1 = createHmac("sha256", secret).update(`${t}.${body}`).digest("hex");
  return { "stripe-signature": `t=${t},v1=${v1}` };
}

/** Headers of a body: github.com/standard-webhooks. The secret is `whsec_` and base64. */
export function signStandard(
  id: string,
  body: string,
  secret: string,
  nowMs: number,
): Record<string, string> {
  const timestamp = `${Math.floor(nowMs / 1000)}`;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
}
