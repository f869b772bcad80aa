import { createTransport } from "nodemailer";
import type { Provider } from "./provider.ts";
import { Refused, Unavailable } from "./provider.ts";

export interface SmtpOptions {
  readonly url: URL;
  readonly from: string;
  readonly timeoutMs: number;
}

/** Connections to the mail server that are kept at once. */
const connections = 4;

/** Any mail server, spoken to by SMTP (RFC 5321); encrypted where it offers that. */
export function smtp({ url, from, timeoutMs }: SmtpOptions): Provider {
  const secure = url.protocol === "smtps:";
  const transport = createTransport({
    pool: true,
    maxConnections: connections,
    host: url.hostname,
    port: Number(url.port) || (secure ? 465 : 587),
    secure,
    ...(url.username !== "" && {
      auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) },
    }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    // What users write must not make this process read files or fetch pages.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const own = addressIn(from);
  const domain = own.address.split("@").at(-1) ?? "localhost";
  return {
    name: "smtp",
    async send({ id, to, voice, subject, text, html, unsubscribe }) {
      const messageId = `<${id}@${domain}>`;
      try {
        const { response } = await transport.sendMail({
          from: voice ? { name: `${voice} via ${own.name}`, address: own.address } : from,
          to: { name: "", address: to },
          subject,
          text,
          ...(html !== "" && { html }),
          messageId,
          // Answers of machines to machines go round in circles (RFC 3834).
          headers: {
            "auto-submitted": "auto-generated",
            // In one click, without a page (RFC 8058).
            ...(unsubscribe && {
              "list-unsubscribe": `<${unsubscribe}>`,
              "list-unsubscribe-post": "List-Unsubscribe=One-Click",
            }),
          },
        });
        return { reference: messageId, answer: response };
      } catch (error) {
        throw judge(error);
      }
    },
    close: () => transport.close(),
  };
}

/** Of `Shop <shop@example.com>`, or of an address alone. */
function addressIn(from: string): { readonly name: string; readonly address: string } {
  const [, name = "", address = from] = /^\s*"?(.*?)"?\s*<([^<>]+)>\s*$/.exec(from) ?? [];
  return { name: name || address, address: address.trim() };
}

/** 5xx is for good, but where it is about us and not about the letter (RFC 5321 §4.2.1). */
function judge(error: unknown): Error {
  if (!(error instanceof Error)) return new Unavailable(String(error));
  const { responseCode, code, response } = error as Error & {
    responseCode?: number;
    code?: string;
    response?: string;
  };
  const answer = response ?? error.message;
  const isOurs = code === "EAUTH" || code === "ETLS" || code === "ECONNECTION";
  const isForGood = responseCode !== undefined && responseCode >= 500 && responseCode !== 530 && !isOurs;
  return isForGood ? new Refused(answer) : new Unavailable(answer);
}
