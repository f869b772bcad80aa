import { once } from "node:events";
import { connect } from "node:net";
import fc from "fast-check";
import { createTransport } from "nodemailer";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createSmtpSession, most } from "../../sandbox/messages/smtp-session.ts";
import type { MessagesSandbox } from "../../sandbox/messages/start.ts";
import { messagesKeys, startMessagesSandbox } from "../../sandbox/messages/start.ts";

let sandbox: MessagesSandbox;
beforeAll(async () => {
  sandbox = await startMessagesSandbox({ most: 20 });
});
afterEach(() => sandbox.reset());
afterAll(() => sandbox.close());

const mail = async (to: string, more: object = {}) => {
  const transport = createTransport(sandbox.smtpUrl);
  try {
    return await transport.sendMail({ from: "shop@example.com", to, subject: "Hi", text: "there", ...more });
  } finally {
    transport.close();
  }
};
const refusal = async (sent: Promise<unknown>) =>
  sent.then(
    () => 0,
    (error: { responseCode?: number }) => error.responseCode,
  );
const read = async (to: string) => {
  const response = await fetch(`${sandbox.url}/sandbox/messages?to=${encodeURIComponent(to)}`);
  return ((await response.json()) as { messages: Record<string, string>[] }).messages;
};

test("its page says what can be asked of it", async () => {
  const index = (await (await fetch(sandbox.url)).json()) as Record<string, string>;
  const asked = Object.keys(index).filter((it) => it.startsWith("GET "));
  expect(asked).toHaveLength(1);
  for (const what of asked) {
    const path = what.replace(/^GET |\?.*$/g, "");
    expect((await fetch(`${sandbox.url}${path}`)).status).toBe(200);
  }
});

describe("the mail server", () => {
  test("shows a letter as it was written, whatever alphabet it is in", async () => {
    const words = {
      subject: "Ta commande n’est pas là: 🧺 سلة طويلة بما يكفي لتقسيمها إلى عدة كلمات مشفرة في الرأس",
      text: "Ligne un\n.une ligne avec un point\n..deux\nكبير = 100 %",
      html: "<p>Ça <b>va</b> = 🧺</p>",
    };
    await mail("ama@example.com", words);
    const [message] = await read("ama@example.com");
    expect(message).toMatchObject({
      ...words,
      text: words.text.replaceAll("\n", "\r\n"),
      channel: "email",
      from: "shop@example.com",
    });
    expect(await read("kofi@example.com")).toEqual([]);
  });

  test("refuses bounce@ for good and busy@ twice", async () => {
    expect(await refusal(mail("bounce@example.com"))).toBe(550);
    expect(await refusal(mail("busy@example.com"))).toBe(451);
    expect(await refusal(mail("busy@example.com"))).toBe(451);
    expect(await refusal(mail("busy@example.com"))).toBe(0);
    expect(sandbox.messages()).toHaveLength(1);
  });

  test("remembers so many and no more", async () => {
    for (let at = 0; at < 22; at++) await mail(`n${at}@example.com`);
    expect(sandbox.messages().map(({ to }) => to)).toEqual(
      Array.from({ length: 20 }, (_, at) => `n${at + 2}@example.com`),
    );
  });

  test("refuses what is too large, and lines without end", async () => {
    expect(await refusal(mail("ama@example.com", { text: "x\n".repeat(most.letterBytes / 2) }))).toBe(552);
    const socket = connect(Number(new URL(sandbox.smtpUrl).port), "127.0.0.1");
    socket.resume();
    socket.write("N".repeat(most.lineBytes * 2));
    await once(socket, "close");
    expect(sandbox.messages()).toEqual([]);
  });
});

describe("a conversation", () => {
  const open = () => {
    const letters: { to: readonly string[]; data: string }[] = [];
    const session = createSmtpSession("test", {
      recipient: (address) => (address.startsWith("no@") ? "550 no" : undefined),
      letter: ({ to, data }) => {
        letters.push({ to, data: data.toString() });
        return undefined;
      },
    });
    const say = (...lines: string[]) =>
      session
        .take(Buffer.from(lines.map((line) => `${line}\r\n`).join("")))
        .answer.trim()
        .split("\r\n")
        .map((line) => line.slice(0, 3));
    return { session, letters, say };
  };

  test("keeps to its order", () => {
    const { say } = open();
    expect(say("MAIL FROM:<a@b.c>")).toEqual(["503"]);
    say("EHLO me");
    expect(say("RCPT TO:<a@b.c>", "DATA", "MAIL FROM:a@b.c", "WHAT", "toString")).toEqual([
      "503",
      "503",
      "501",
      "500",
      "500",
    ]);
    expect(say("MAIL FROM:<a@b.c>", "MAIL FROM:<a@b.c>", "RCPT TO:<no@b.c>", "DATA")).toEqual([
      "250",
      "503",
      "550",
      "503",
    ]);
    expect(say("RSET", "MAIL FROM:<> SIZE=99999999")).toEqual(["250", "552"]);
  });

  test("ends a letter only with CRLF, dot, CRLF", () => {
    const { say, letters } = open();
    say("EHLO me", "MAIL FROM:<a@b.c>", "RCPT TO:<d@e.f>", "DATA");
    expect(say("one\n.\nMAIL FROM:<evil@b.c>", ".")).toEqual(["250"]);
    expect(letters).toEqual([{ to: ["d@e.f"], data: "one\n.\nMAIL FROM:<evil@b.c>\r\n" }]);
  });

  test("brings any lines as they were, however they are cut on the way", () => {
    const line = fc.string({ unit: fc.constantFrom(".", "a", " ", "é", "\n"), maxLength: 6 });
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), fc.integer({ min: 1, max: 9 }), (lines, size) => {
        const { session, letters, say } = open();
        say("EHLO me", "MAIL FROM:<a@b.c>", "RCPT TO:<d@e.f>", "DATA");
        const stuffed = [...lines.map((it) => (it.startsWith(".") ? `.${it}` : it)), "."];
        const wire = Buffer.from(stuffed.map((it) => `${it}\r\n`).join(""));
        for (let at = 0; at < wire.length; at += size)
          session.take(Buffer.from(wire.subarray(at, at + size)));
        expect(letters.map(({ data }) => data)).toEqual([lines.map((it) => `${it}\r\n`).join("")]);
      }),
    );
  });
});

describe("text messages", () => {
  const post = async (path: string, form: Record<string, string>, headers: Record<string, string>) => {
    const body = new URLSearchParams(form);
    const response = await fetch(`${sandbox.url}${path}`, { method: "POST", body, headers });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const basic = `Basic ${Buffer.from(`${messagesKeys.account}:${messagesKeys.key}`).toString("base64")}`;
  const twilio = (to: string, authorization = basic) =>
    post(
      `/2010-04-01/Accounts/${messagesKeys.account}/Messages.json`,
      { To: to, From: messagesKeys.from, Body: "hello" },
      { authorization },
    );
  const talking = (to: string, apikey = messagesKeys.key) =>
    post("/version1/messaging", { username: messagesKeys.account, to, message: "hello" }, { apikey });

  test("are taken and refused as Twilio does", async () => {
    expect(await twilio("+233201234567")).toMatchObject({ status: 201, body: { status: "queued" } });
    expect(await twilio("+15005550001")).toMatchObject({ status: 400, body: { code: 21211 } });
    expect((await twilio("+15005550009")).status).toBe(429);
    expect((await twilio("+233201234567", "Basic no")).status).toBe(401);
    expect(await read("+233201234567")).toMatchObject([{ provider: "twilio", text: "hello" }]);
  });

  test("are taken and refused as Africa's Talking does", async () => {
    const codes = async (to: string) => {
      const { body } = await talking(to);
      const { Recipients } = body.SMSMessageData as { Recipients: { statusCode: number }[] };
      return Recipients.map(({ statusCode }) => statusCode);
    };
    expect(await codes("+233201234567,+15005550001,+15005550009,0201234567")).toEqual([101, 403, 500, 403]);
    expect((await talking("+233201234567", "no")).status).toBe(401);
    expect(await read("+233201234567")).toMatchObject([{ provider: "africastalking" }]);
  });

  test("and all else wait while it is down", async () => {
    sandbox.setDown(true);
    expect((await twilio("+233201234567")).status).toBe(503);
    expect(await refusal(mail("ama@example.com"))).toBe(421);
  });
});
