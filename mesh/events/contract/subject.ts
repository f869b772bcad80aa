/** Where an event is published in NATS, by the subject that its contract gives it: `events.order.created`. */
export const eventSubject = (subject: string): string => `events.${subject}`;

/** The other way: as a contract has it, and not as it stands in the broker. */
export const contractSubject = (subject: string): string =>
  subject.startsWith(eventSubject("")) ? subject.slice(eventSubject("").length) : subject;

/** Far longer than any that somebody meant. */
const longest = 200;

/**
 * Whether events can have this subject. `*` and `>` stand for parts as NATS has
 * it. What is none must not reach the broker, which ends the connection for it.
 */
export function isEventSubject(subject: string): boolean {
  return subject.length <= longest && form.test(subject);
}

/** Parts with dots between; `*` alone is any part, `>` at the end any that follow. */
const form = /^(?:(?:[\w-]+|\*)\.)*(?:[\w-]+|\*|>)$/;
