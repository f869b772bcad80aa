export type KeyState = "next" | "active" | "retired";

/** What rotation looks at. */
export interface KeyAge {
  readonly kid: string;
  readonly state: KeyState;
  readonly createdAt: Date;
  readonly activatedAt: Date | null;
  readonly retiredAt: Date | null;
  readonly longestLifeMs: bigint;
}

export interface RotationPolicy {
  readonly rotationMs: number;
  readonly nowMs: number;
  /** Rotates now, whatever the age of the keys. */
  readonly force: boolean;
}

/** What must be done for there to be one key that signs and one that is published to come after it. */
export interface RotationPlan {
  readonly retire: readonly string[];
  /** Signs from now on; made on the spot when there is none. */
  readonly activate: string | undefined;
  readonly makeActive: boolean;
  readonly makeNext: boolean;
  readonly forget: readonly string[];
}

/**
 * How long a key is published before it signs by schedule. Verifiers ask for an
 * unknown key at once, but at most every 5 s.
 */
const prepublishMs = 10_000;

/**
 * Beyond the life of its last token: instances learn of a rotation within
 * seconds, verifiers tolerate clocks that differ, and early is worse than late.
 */
const marginMs = 5 * 60_000;

export function planRotation(keys: readonly KeyAge[], policy: RotationPolicy): RotationPlan {
  const { nowMs } = policy;
  const active = keys.find(({ state }) => state === "active");
  const next = keys.find(({ state }) => state === "next");
  const rotate = !active || policy.force || isDue(active, next, policy);
  return {
    retire: rotate && active ? [active.kid] : [],
    activate: rotate ? next?.kid : undefined,
    makeActive: rotate && !next,
    makeNext: rotate || !next,
    forget: keys.filter((key) => !isPublished(key, nowMs)).map(({ kid }) => kid),
  };
}

function isDue(active: KeyAge, next: KeyAge | undefined, { rotationMs, nowMs }: RotationPolicy): boolean {
  if (!next || nowMs - next.createdAt.getTime() < prepublishMs) return false;
  return nowMs - (active.activatedAt ?? active.createdAt).getTime() >= rotationMs;
}

/** Is it in the key set: still to be used, in use, or with tokens about that it signed? */
export function isPublished({ state, retiredAt, longestLifeMs }: KeyAge, nowMs: number): boolean {
  if (state !== "retired" || !retiredAt) return true;
  return nowMs < retiredAt.getTime() + Number(longestLifeMs) + marginMs;
}
