import { BadValue, duration, field, oneOf, text, url } from "#mesh";

/** As a browser says them: nothing but scheme, host and port. */
const origins = field((value) =>
  value.split(/[\s,]+/).flatMap((it) => {
    if (it === "") return [];
    const parsed = URL.canParse(it) ? new URL(it) : undefined;
    if (parsed && /^https?:$/.test(parsed.protocol) && parsed.href === `${parsed.origin}/`)
      return [parsed.origin];
    throw new BadValue("must be origins such as https://push.example.com, with commas between");
  }),
);

export const notificationFields = {
  NOTIFICATION_SMTP_URL: url("smtp", "smtps")(
    "The mail server, with user and password (`smtps://user:password@host:465`); no e-mail without one.",
    { fallback: "", secret: true },
  ),
  NOTIFICATION_MAIL_FROM: text("Whom e-mails are from, such as `Shop <shop@example.com>`.", {
    fallback: "Weft <weft@localhost>",
  }),
  NOTIFICATION_SMS_PROVIDER: oneOf(
    "none",
    "twilio",
    "africastalking",
  )("Which API of text messages is spoken; `none` sends none.", { fallback: "none" }),
  NOTIFICATION_SMS_URL: url("https", "http")("Where that API is; default: where its provider has it.", {
    fallback: "",
  }),
  NOTIFICATION_SMS_ACCOUNT: text("Account at the provider: Twilio's SID, Africa's Talking's user name.", {
    fallback: "",
  }),
  NOTIFICATION_SMS_KEY: text("Key of that account.", { fallback: "", secret: true }),
  NOTIFICATION_SMS_FROM: text("Number or name that text messages are from.", { fallback: "" }),
  NOTIFICATION_VAPID_PUBLIC_KEY: text(
    "Public key for web push (`npx web-push generate-vapid-keys`); no push without a pair.",
    { fallback: "" },
  ),
  NOTIFICATION_VAPID_PRIVATE_KEY: text("Private key of that pair.", { fallback: "", secret: true }),
  NOTIFICATION_VAPID_SUBJECT: text("Whom push services may write to: `mailto:…` or `https://…`.", {
    fallback: "mailto:weft@localhost",
  }),
  NOTIFICATION_PUSH_SERVICES: origins(
    "Push services of your own (`https://push.example.com`, with commas between); all others must be on the internet.",
    { fallback: "" },
  ),
  NOTIFICATION_PROVIDER_TIMEOUT: duration("How long a provider may take to answer.", { fallback: "20s" }),
  NOTIFICATION_PUBLIC_URL: url("https", "http")(
    "Where the platform is reached from outside; e-mails have links to unsubscribe when it is set.",
    { fallback: "" },
  ),
  NOTIFICATION_KEEP: duration("How long notifications are kept.", { fallback: "180d" }),
};
