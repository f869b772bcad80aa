import { parseForm, textAt } from "../form.ts";
import type { Reply, Request, Route } from "../http.ts";
import type { MessageBox } from "./message.ts";
import type { Recipients } from "./recipients.ts";

export interface SmsOptions {
  box: MessageBox;
  recipients: Recipients;
  account: string;
  key: string;
  newSid: () => string;
}

const e164 = /^\+[1-9][0-9]{6,14}$/;

/** Text messages, as Twilio and as Africa's Talking take them. */
export function smsRoutes(options: SmsOptions): Route {
  const path = `POST /2010-04-01/Accounts/${options.account}/Messages.json`;
  return (request) => {
    const what = `${request.method} ${request.path}`;
    if (what === path) return twilio(options, request);
    if (what === "POST /version1/messaging") return africasTalking(options, request);
    return undefined;
  };
}

function twilio({ box, recipients, account, key, newSid }: SmsOptions, request: Request): Reply {
  const wanted = `Basic ${Buffer.from(`${account}:${key}`).toString("base64")}`;
  if (request.header("authorization") !== wanted) return twilioError(401, 20003, "Authenticate");
  const form = parseForm(request.body);
  const [to, from, text] = [textAt(form, "To"), textAt(form, "From"), textAt(form, "Body")];
  if (from === "") return twilioError(400, 21603, "A 'From' phone number is required.");
  if (text === "") return twilioError(400, 21602, "Message body is required.");
  const fate = e164.test(to) ? recipients.next(to) : "refused";
  if (fate === "refused") return twilioError(400, 21211, "The 'To' number is not a valid phone number.");
  if (fate === "busy_now") return twilioError(429, 20429, "Too Many Requests");
  const words = { subject: "", text, html: "" };
  const { id } = box.put({ channel: "sms", provider: "twilio", from, to, ...words }, newSid());
  const body = { sid: id, account_sid: account, to, from, body: text, status: "queued", error_code: null };
  return { status: 201, body };
}

const twilioError = (status: number, code: number, message: string): Reply => ({
  status,
  body: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status },
});

function africasTalking({ box, recipients, account, key, newSid }: SmsOptions, request: Request): Reply {
  const form = parseForm(request.body);
  if (request.header("apikey") !== key || textAt(form, "username") !== account) {
    return { status: 401, body: "The supplied authentication is invalid" };
  }
  const [to, from, text] = [textAt(form, "to"), textAt(form, "from"), textAt(form, "message")];
  if (to === "" || text === "") return { status: 400, body: "Must have to and message" };
  const numbers = to.split(",").slice(0, 100);
  const answers = numbers.map((number) => {
    const fate = e164.test(number) ? recipients.next(number) : "refused";
    const none = { number, cost: "0", messageId: "None" };
    if (fate === "refused") return { ...none, statusCode: 403, status: "InvalidPhoneNumber" };
    if (fate === "busy_now") return { ...none, statusCode: 500, status: "InternalServerError" };
    const words = { subject: "", text, html: "" };
    const message = { channel: "sms", provider: "africastalking", from, to: number, ...words } as const;
    const { id } = box.put(message, newSid());
    return { number, cost: "GHS 0.0300", messageId: id, statusCode: 101, status: "Success" };
  });
  const sent = answers.filter(({ statusCode }) => statusCode === 101).length;
  const Message = `Sent to ${sent}/${numbers.length} Total Cost: GHS ${(sent * 0.03).toFixed(4)}`;
  return { status: 201, body: { SMSMessageData: { Message, Recipients: answers } } };
}
