import { createHash } from "node:crypto";
import { uuidForm } from "../id.ts";
import type { EventHead } from "../messages/cloud-event.ts";

/** An id for what came without one that can be used: the same for the same message. */
export function deadId(head: EventHead, stream: string, sequence: number): string {
  if (uuidForm.test(head.id)) return head.id;
  const hash = createHash("sha256").update(`${stream} ${sequence}`).digest("hex");
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

/** Wider than what we write: what was listed can also be shown and dropped. */
const letterId = /^[\w-]+\.[\w-]+\.[\w-]+$/;
export const isLetterId = (id: string) => letterId.test(id);
