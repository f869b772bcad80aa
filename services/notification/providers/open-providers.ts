import type { ConfigOf } from "#mesh";
import type { notificationFields } from "../config.ts";
import { africasTalking } from "./africas-talking.ts";
import type { Provider } from "./provider.ts";
import { smtp } from "./smtp.ts";
import { twilio } from "./twilio.ts";
import type { Vapid } from "./web-push.ts";

type Config = ConfigOf<typeof notificationFields>;

export interface Providers {
  readonly email: Provider | undefined;
  readonly sms: Provider | undefined;
  readonly vapid: Vapid | undefined;
}

/** Those that the configuration has all of; the others are not offered. */
export function openProviders(config: Config): Providers {
  const timeoutMs = config.NOTIFICATION_PROVIDER_TIMEOUT;
  const url = config.NOTIFICATION_SMTP_URL;
  const publicKey = config.NOTIFICATION_VAPID_PUBLIC_KEY;
  const privateKey = config.NOTIFICATION_VAPID_PRIVATE_KEY;
  return {
    email: url && smtp({ url, from: config.NOTIFICATION_MAIL_FROM, timeoutMs }),
    sms: smsOf(config, timeoutMs),
    vapid:
      publicKey && privateKey
        ? { publicKey, privateKey, subject: config.NOTIFICATION_VAPID_SUBJECT }
        : undefined,
  };
}

function smsOf(config: Config, timeoutMs: number): Provider | undefined {
  const account = config.NOTIFICATION_SMS_ACCOUNT;
  const key = config.NOTIFICATION_SMS_KEY;
  if (account === "" || key === "") return undefined;
  const options = {
    url: config.NOTIFICATION_SMS_URL,
    account,
    key,
    from: config.NOTIFICATION_SMS_FROM,
    timeoutMs,
  };
  switch (config.NOTIFICATION_SMS_PROVIDER) {
    case "none":
      return undefined;
    case "twilio":
      return twilio(options);
    case "africastalking":
      return africasTalking(options);
  }
}
