/** A letter as it came over SMTP. */
export interface Envelope {
  readonly from: string;
  readonly to: readonly string[];
  /** Lines end with CRLF; dots are no longer doubled. */
  readonly data: Buffer;
}

/** What a mail server decides; an answer such as `550 no such mailbox`, or nothing to agree. */
export interface Judge {
  recipient(address: string): string | undefined;
  letter(envelope: Envelope): string | undefined;
}

export interface SmtpSession {
  /** Takes what the client sent, in pieces of any size. Gives back what to answer; `over` ends the connection. */
  take(chunk: Buffer): { readonly answer: string; readonly over: boolean };
}

export const most = { lineBytes: 4096, letterBytes: 1024 * 1024, recipients: 100 };

/** One conversation of RFC 5321, with the sizes of all that it holds bounded. */
export function createSmtpSession(name: string, judge: Judge): SmtpSession {
  let pending: Buffer = Buffer.alloc(0);
  let greeted = false;
  let from: string | undefined;
  let to: string[] = [];
  let data: { lines: Buffer[]; bytes: number } | undefined;

  const reset = () => {
    from = undefined;
    to = [];
    data = undefined;
  };

  const commands: Readonly<Record<string, (argument: string) => string>> = {
    EHLO: () => {
      greeted = true;
      reset();
      return `250-${name}\r\n250-SIZE ${most.letterBytes}\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 PIPELINING`;
    },
    HELO: () => {
      greeted = true;
      reset();
      return `250 ${name}`;
    },
    MAIL: (argument) => {
      if (!greeted) return "503 5.5.1 say EHLO first";
      if (from !== undefined) return "503 5.5.1 there is a sender already";
      const [, address = "", rest = ""] = /^FROM:\s*<([^<>]*)>(.*)$/i.exec(argument) ?? [];
      if (!/^FROM:\s*</i.test(argument)) return "501 5.5.4 write MAIL FROM:<address>";
      const size = Number(/\bSIZE=(\d+)/i.exec(rest)?.[1] ?? 0);
      if (size > most.letterBytes) return "552 5.3.4 too large";
      from = address;
      return "250 2.1.0 ok";
    },
    RCPT: (argument) => {
      if (from === undefined) return "503 5.5.1 say MAIL first";
      const address = /^TO:\s*<([^<>\s]+@[^<>\s]+)>/i.exec(argument)?.[1];
      if (address === undefined) return "501 5.5.4 write RCPT TO:<address>";
      if (to.length >= most.recipients) return "452 4.5.3 too many recipients";
      const refusal = judge.recipient(address);
      if (refusal !== undefined) return refusal;
      to.push(address);
      return "250 2.1.5 ok";
    },
    DATA: () => {
      if (to.length === 0) return "503 5.5.1 say RCPT first";
      data = { lines: [], bytes: 0 };
      return "354 end with a dot on a line of its own";
    },
    RSET: () => {
      reset();
      return "250 2.0.0 ok";
    },
    NOOP: () => "250 2.0.0 ok",
    VRFY: () => "252 2.1.5 send it and see",
    QUIT: () => "221 2.0.0 bye",
  };

  const takeCommand = (line: string): string => {
    const [, verb = "", argument = ""] = /^(\S+)\s*(.*)$/.exec(line) ?? [];
    const command = Object.hasOwn(commands, verb.toUpperCase()) ? commands[verb.toUpperCase()] : undefined;
    return command ? command(argument) : "500 5.5.2 no such command";
  };

  const takeLine = (into: { lines: Buffer[]; bytes: number }, line: Buffer): string | undefined => {
    if (line.length !== 1 || line[0] !== dot) {
      // RFC 5321 §4.5.2.
      const plain = line[0] === dot ? line.subarray(1) : line;
      into.bytes += plain.length + 2;
      if (into.bytes <= most.letterBytes) into.lines.push(plain, crlf);
      else into.lines.length = 0;
      return undefined;
    }
    const envelope = { from: from ?? "", to, data: Buffer.concat(into.lines) };
    const tooLarge = into.bytes > most.letterBytes;
    reset();
    return tooLarge ? "552 5.3.4 too large" : (judge.letter(envelope) ?? "250 2.0.0 taken");
  };

  return {
    take(chunk) {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      const answers: string[] = [];
      const answer = () => answers.map((it) => `${it}\r\n`).join("");
      // A line ends with CR and LF alone: whoever sees more ends can be told what nobody sent.
      for (let end = pending.indexOf(crlf); end >= 0; end = pending.indexOf(crlf)) {
        const line = pending.subarray(0, end);
        pending = pending.subarray(end + crlf.length);
        const said = data ? takeLine(data, line) : takeCommand(line.toString());
        if (said !== undefined) answers.push(said);
        if (said?.startsWith("221")) return { answer: answer(), over: true };
      }
      if (pending.length > most.lineBytes) {
        answers.push("500 5.5.2 a line is too long");
        return { answer: answer(), over: true };
      }
      pending = Buffer.from(pending);
      return { answer: answer(), over: false };
    },
  };
}

const crlf = Buffer.from("\r\n");
const dot = ".".charCodeAt(0);
