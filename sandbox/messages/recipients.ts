import { Bounded } from "../bounded.ts";

/** What becomes of what is sent to somebody. `busy` is refused twice, and then taken. */
export type Fate = "taken" | "refused" | "busy";

/** Addresses of e-mail, by what stands before the `@`. */
const mailboxes: Readonly<Record<string, Fate>> = { bounce: "refused", busy: "busy" };

/** Numbers as Twilio's own test numbers are. */
const phones: Readonly<Record<string, Fate>> = {
  "+15005550001": "refused",
  "+15005550009": "busy",
};

const busyTimes = 2;

/** Tells what becomes of the next try, and counts it. */
export interface Recipients {
  next(to: string): "taken" | "refused" | "busy_now";
  reset(): void;
}

export function createRecipients(): Recipients {
  const tries = new Bounded<number>(1000);
  return {
    next(to) {
      const fate = fateOf(to);
      if (fate !== "busy") return fate;
      const before = tries.get(to) ?? 0;
      tries.set(to, before >= busyTimes ? 0 : before + 1);
      return before >= busyTimes ? "taken" : "busy_now";
    },
    reset: () => tries.clear(),
  };
}

function fateOf(to: string): Fate {
  const mailbox = /^([^@+]*)(?:\+[^@]*)?@/.exec(to)?.[1];
  const [table, key] = mailbox === undefined ? [phones, to] : [mailboxes, mailbox.toLowerCase()];
  return (Object.hasOwn(table, key) ? table[key] : undefined) ?? "taken";
}
