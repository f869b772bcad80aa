import { isObject, postForm, textIn } from "./post-form.ts";
import type { Provider, Receipt } from "./provider.ts";
import { Refused, Unavailable } from "./provider.ts";
import type { SmsOptions } from "./twilio.ts";

/** Taken: processed, sent, queued. */
const taken = new Set(["100", "101", "102"]);

/** About the number: invalid, unsupported, blocked by its owner, no route, do not disturb, rejected. */
const refused = new Set(["403", "404", "406", "407", "409", "502"]);

/** Text messages as Africa's Talking takes them: one answer for each of its recipients, with 201 also for refusals. */
export function africasTalking({ url, account, key, from, timeoutMs }: SmsOptions): Provider {
  const base = (url?.href ?? "https://api.africastalking.com").replace(/\/$/, "");
  const target = new URL(`${base}/version1/messaging`);
  return {
    name: "africastalking",
    async send({ id, to, text }, signal) {
      const {
        status,
        json,
        text: said,
      } = await postForm({
        url: target,
        headers: { apikey: key, "idempotency-key": id },
        form: { username: account, to, message: text, ...(from !== "" && { from }) },
        timeoutMs,
        signal,
      });
      if (status === 400) throw new Refused(`${status} ${said.slice(0, 200)}`);
      if (status !== 201 && status !== 200) throw new Unavailable(`${status} ${said.slice(0, 200)}`);
      return receiptOf(json);
    },
    close: () => {},
  };
}

function receiptOf(json: unknown): Receipt {
  const data = isObject(json) ? json.SMSMessageData : undefined;
  const recipients = isObject(data) && Array.isArray(data.Recipients) ? data.Recipients : [];
  const [recipient] = recipients as unknown[];
  const answer = [textIn(recipient, "statusCode"), textIn(recipient, "status")].join(" ").trim();
  const code = textIn(recipient, "statusCode");
  if (taken.has(code)) return { reference: textIn(recipient, "messageId"), answer };
  if (refused.has(code)) throw new Refused(answer);
  throw new Unavailable(answer || textIn(data, "Message"));
}
