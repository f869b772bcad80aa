/** What somebody would have got. */
export interface Message {
  readonly id: string;
  readonly channel: "email" | "sms" | "push";
  readonly provider: "smtp" | "twilio" | "africastalking" | "web_push";
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** The link of an e-mail to have no more of its kind. */
  readonly unsubscribe?: string;
  /** Where a click on it leads. */
  readonly link?: string;
  readonly at: string;
}

/** The newest messages; older ones are forgotten. */
export interface MessageBox {
  put(message: Omit<Message, "id" | "at">, id?: string): Message;
  list(to?: string): Message[];
  clear(): void;
}

export function createMessageBox(most: number, mostBytes: number, now: () => number): MessageBox {
  let messages: Message[] = [];
  let bytes = 0;
  let count = 0;
  const sizeOf = ({ subject, text, html }: Message) => 2 * (subject.length + text.length + html.length) + 500;
  return {
    put(message, id = `msg_${++count}`) {
      const kept = { ...message, id, at: new Date(now()).toISOString() };
      messages.push(kept);
      bytes += sizeOf(kept);
      while (messages.length > most || (bytes > mostBytes && messages.length > 1)) {
        const oldest = messages.shift();
        if (oldest) bytes -= sizeOf(oldest);
      }
      return kept;
    },
    list: (to) => (to === undefined ? [...messages] : messages.filter((it) => it.to === to)),
    clear: () => {
      messages = [];
      bytes = 0;
    },
  };
}
