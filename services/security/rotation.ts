import type { Logger, Loop } from "#mesh";
import { fail, startLoop } from "#mesh";
import type { AuditTrail } from "./audit-trail.ts";
import { ownEntry } from "./audit-trail.ts";
import type { Keyring } from "./keyring.ts";
import type { WriteStore } from "./write-store.ts";

export interface Rotation extends Loop {
  /** Signs with a new key from now on; answers with its id. */
  rotateNow(actor: string, requestId: string): Promise<string>;
}

export interface RotationOptions {
  keyring: Keyring;
  store: WriteStore;
  trail: AuditTrail;
  rotationMs: number;
  log: Logger;
  stopping: AbortSignal;
}

const longestPauseMs = 60_000;

/** Sees that there is a key to sign with, and changes it when it is time. */
export async function startRotation(options: RotationOptions): Promise<Rotation> {
  const { keyring, store, trail, rotationMs, log, stopping } = options;

  const rotate = async (force: boolean, actor: string, requestId: string) => {
    const kid = await store.write(async (tx) => {
      const rotated = await keyring.rotate(tx, force);
      if (rotated) {
        const resource = `signing-key/${rotated}`;
        await trail.append(tx, { ...ownEntry, actor, action: "key.rotate", resource, requestId });
      }
      return rotated;
    });
    if (kid) log.info({ kid, actor }, "tokens are signed with a new key");
    await keyring.reload();
    return kid;
  };

  // Whoever starts waits for it, and hears of a wrong master key at once.
  await rotate(false, "service:security", "");
  const loop = startLoop({
    everyMs: Math.min(longestPauseMs, rotationMs / 10),
    stopping,
    work: async () => {
      await rotate(false, "service:security", "");
    },
    failed: (error) => log.error({ err: error }, "the signing key could not be looked after"),
  });
  return {
    ...loop,
    async rotateNow(actor, requestId) {
      const kid = await rotate(true, actor, requestId);
      if (!kid) throw fail.internal("not_rotated", "there is no new key after a rotation");
      return kid;
    },
  };
}
