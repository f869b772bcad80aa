import { derivedId, uuidForm } from "../id.ts";
import type { EventHead } from "../messages/cloud-event.ts";

/** An id for what came without one that can be used: the same for the same message. */
export const deadId = (head: EventHead, stream: string, sequence: number): string =>
  uuidForm.test(head.id) ? head.id : derivedId(`${stream} ${sequence}`);

/** Wider than what we write: what was listed can also be shown and dropped. */
const letterId = /^[\w-]+\.[\w-]+\.[\w-]+$/;
export const isLetterId = (id: string) => letterId.test(id);
