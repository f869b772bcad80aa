import { randomBytes } from "node:crypto";
import webPush from "web-push";
import type { Route } from "../http.ts";
import { close, listen, portOf } from "../http.ts";
import { createBrowsers } from "./browsers.ts";
import { readLetter } from "./letter.ts";
import type { Message } from "./message.ts";
import { createMessageBox } from "./message.ts";
import { pushRoutes } from "./push-routes.ts";
import { createRecipients } from "./recipients.ts";
import { smsRoutes } from "./sms-routes.ts";
import { listenSmtp } from "./smtp-sink.ts";

export interface MessagesSandboxOptions {
  /** Default: any that is free. */
  httpPort?: number;
  smtpPort?: number;
  /** Which text message provider the platform is told to speak to; both are here. Default: twilio. */
  sms?: "twilio" | "africastalking";
  now?: () => number;
  /** Most messages that are remembered; the oldest go first. Default 1000. */
  most?: number;
}

export interface MessagesSandbox extends AsyncDisposable {
  /** Of the text message APIs, of the push service, and of `GET /sandbox/messages?to=…`. */
  readonly url: string;
  readonly smtpUrl: string;
  /** What tells services of it: for each provider, its variables. */
  readonly providers: readonly Readonly<Record<string, string>>[];
  /** Newest last; those to one address or number, or all. */
  messages(to?: string): Message[];
  /** While down, every request is answered with 503 and every letter with 421. */
  setDown(down: boolean): void;
  reset(): void;
  close(): Promise<void>;
}

/** What is not secret at all, for a laptop. */
export const messagesKeys = { account: "ACsandbox", key: "sms_test_sandbox", from: "+15005550006" };

const mostBytes = 32 * 1024 * 1024;

/** For people who open it. */
const index = {
  sandbox: "e-mail, text messages and browser push",
  "GET /sandbox/messages?to=…": "what was sent, to an address, a number or the endpoint of a browser, or all",
  "DELETE /sandbox/messages": "forgets it",
  "POST /sandbox/browsers": "a browser that listens for push messages",
  "DELETE /sandbox/browsers/{id}": "ends it",
};

/** A mail server, two text message providers and a push service on this machine, whose messages anybody can read. */
export async function startMessagesSandbox(options: MessagesSandboxOptions = {}): Promise<MessagesSandbox> {
  const { httpPort = 0, smtpPort = 0, sms = "twilio", now = Date.now, most = 1000 } = options;
  const { account, key, from } = messagesKeys;
  const box = createMessageBox(most, mostBytes, now);
  const recipients = createRecipients();
  const browsers = createBrowsers();
  let down = false;

  const smtp = await listenSmtp(smtpPort, {
    recipient: (address) => {
      if (down) return "421 4.3.2 down";
      const fate = recipients.next(address);
      if (fate === "refused") return "550 5.1.1 no such mailbox here";
      return fate === "busy_now" ? "451 4.2.1 the mailbox is busy, try again" : undefined;
    },
    letter: (envelope) => {
      const { from: head, subject, text, html, unsubscribe } = readLetter(envelope.data);
      const words = { subject, text, html, ...(unsubscribe && { unsubscribe }) };
      for (const to of envelope.to) {
        box.put({ channel: "email", provider: "smtp", from: head || envelope.from, to, ...words });
      }
      return undefined;
    },
  });

  const reset = () => {
    box.clear();
    recipients.reset();
    browsers.reset();
    down = false;
  };
  const own: Route = ({ method, path, query }) => {
    const what = `${method} ${path}`;
    if (what === "GET /") return { status: 200, body: index };
    if (what === "GET /sandbox/messages") {
      return { status: 200, body: { messages: box.list(query.get("to") ?? undefined) } };
    }
    if (what === "DELETE /sandbox/messages") {
      reset();
      return { status: 200, body: {} };
    }
    return down ? { status: 503, body: { message: "down" } } : undefined;
  };
  const newSid = () => `SM${randomBytes(16).toString("hex")}`;

  let url = "";
  const server = await listen(httpPort, [
    own,
    smsRoutes({ box, recipients, account, key, newSid }),
    pushRoutes({ box, browsers, origin: () => url }),
  ]).catch(async (error: unknown) => {
    await smtp.close();
    throw error;
  });
  url = `http://127.0.0.1:${portOf(server)}`;
  const vapid = webPush.generateVAPIDKeys();
  const smtpUrl = `smtp://127.0.0.1:${smtp.port}`;
  const stop = async () => {
    await Promise.all([close(server), smtp.close()]);
  };
  return {
    url,
    smtpUrl,
    providers: [
      { NOTIFICATION_SMTP_URL: smtpUrl, NOTIFICATION_MAIL_FROM: "Weft <weft@sandbox.example>" },
      {
        NOTIFICATION_SMS_PROVIDER: sms,
        NOTIFICATION_SMS_URL: url,
        NOTIFICATION_SMS_ACCOUNT: account,
        NOTIFICATION_SMS_KEY: key,
        NOTIFICATION_SMS_FROM: from,
      },
      {
        NOTIFICATION_PUSH_SERVICES: url,
        NOTIFICATION_VAPID_PUBLIC_KEY: vapid.publicKey,
        NOTIFICATION_VAPID_PRIVATE_KEY: vapid.privateKey,
      },
    ],
    messages: box.list,
    setDown: (value) => {
      down = value;
    },
    reset,
    close: stop,
    [Symbol.asyncDispose]: stop,
  };
}
