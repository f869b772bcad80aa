import { postForm, textIn } from "./post-form.ts";
import type { Provider } from "./provider.ts";
import { Refused, Unavailable } from "./provider.ts";

export interface SmsOptions {
  /** Default: where the provider has it. */
  readonly url: URL | undefined;
  readonly account: string;
  readonly key: string;
  readonly from: string;
  readonly timeoutMs: number;
}

/** Text messages as Twilio takes them. */
export function twilio({ url, account, key, from, timeoutMs }: SmsOptions): Provider {
  const base = (url?.href ?? "https://api.twilio.com").replace(/\/$/, "");
  const target = new URL(`${base}/2010-04-01/Accounts/${encodeURIComponent(account)}/Messages.json`);
  const authorization = `Basic ${Buffer.from(`${account}:${key}`).toString("base64")}`;
  return {
    name: "twilio",
    async send({ id, to, text }, signal) {
      const { status, json } = await postForm({
        url: target,
        headers: { authorization, "i-twilio-idempotency-token": id },
        form: { To: to, From: from, Body: text },
        timeoutMs,
        signal,
      });
      if (status === 201 || status === 200) {
        return { reference: textIn(json, "sid"), answer: textIn(json, "status") };
      }
      const said = [textIn(json, "code"), textIn(json, "message")].filter(Boolean).join(" ");
      const answer = `${status} ${said}`.trim();
      // 400 and 422 are about the message; 401, 403, 404 and 429 about us.
      throw status === 400 || status === 422 ? new Refused(answer) : new Unavailable(answer);
    },
    close: () => {},
  };
}
