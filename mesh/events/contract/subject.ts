/** Where an event is published in NATS, by the subject that its contract gives it: `events.order.created`. */
export const eventSubject = (subject: string): string => `events.${subject}`;

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
