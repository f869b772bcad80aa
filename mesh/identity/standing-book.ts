import type { UserIdentity } from "../call/identity.ts";
import type { Logger } from "../log/logger.ts";
import type { KeySource } from "./keys.ts";
import type { Statement } from "./standing-entry.ts";
import { judgeEntry, looksSigned, sessionKey, userKey } from "./standing-entry.ts";

export interface StandingBookOptions {
  keys: KeySource;
  log: Logger;
  /** How long an entry can matter. */
  keepMs: number;
  now: () => number;
}

interface Waiting {
  readonly key: string;
  readonly text: string;
  readonly sinceMs: number;
  trying: boolean;
}

/** Whoever reaches the broker could fill memory with what cannot be verified now. */
const mostWaiting = 10_000;
/** An unknown key is asked for at most every 5 s: only then is it sure to be nobody's. */
const unknownKeyMs = 30_000;
const warnEveryMs = 60_000;

const nothing = { grant: undefined, sinceMs: 0 };

/** What is in force of all that was put into the bucket. */
export function createStandingBook({ keys, log, keepMs, now }: StandingBookOptions) {
  const inForce = new Map<string, Statement>();
  const waiting = new Set<Waiting>();
  const trials = new Set<Promise<void>>();
  let warnedMs = Number.NEGATIVE_INFINITY;
  let ignored = 0;

  // Anybody who reaches the broker can make us warn, so not each time.
  const ignore = (key: string, why: string) => {
    ignored++;
    if (Math.abs(now() - warnedMs) < warnEveryMs) return;
    warnedMs = now();
    log.warn(
      { key: key.slice(0, 100), why, ignored },
      "an entry of the revocations is not from the issuer and is ignored; see who may write to NATS",
    );
    ignored = 0;
  };

  const accept = (key: string, statement: Statement) => {
    const known = inForce.get(key);
    // An old entry may be put again by somebody who kept it.
    if (!known || statement.sinceMs >= known.sinceMs) inForce.set(key, statement);
  };

  const attempt = async (entry: Waiting) => {
    const { key, text, sinceMs } = entry;
    entry.trying = true;
    const judged = await judgeEntry(key, text, keys, now());
    entry.trying = false;
    if (judged.is === "unknown") {
      const patienceMs = judged.issuerAway ? keepMs : unknownKeyMs;
      if (now() - sinceMs < patienceMs) return;
      ignore(key, judged.why);
    } else if (judged.is === "good") accept(key, judged.statement);
    else if (judged.is === "bad") ignore(key, judged.why);
    waiting.delete(entry);
  };

  const start = (entry: Waiting) => {
    const trial = attempt(entry).finally(() => trials.delete(trial));
    trials.add(trial);
  };

  const current = (key: string): Statement | undefined => {
    const statement = inForce.get(key);
    return statement && statement.expiresMs > now() ? statement : undefined;
  };

  return {
    isRevoked: (sessionId: string): boolean => current(sessionKey(sessionId)) !== undefined,
    current: (user: UserIdentity, rolesMs = 0): UserIdentity => {
      const { grant, sinceMs } = current(userKey(user.id)) ?? nothing;
      // A token may know of a change that has not been heard of here yet.
      if (!grant || sinceMs <= rolesMs) return user;
      return { ...user, roles: grant.roles, permissions: grant.permissions };
    },
    /** Never throws: what cannot be verified now is tried again, what is not the issuer's is ignored. */
    add(key: string, text: string): void {
      if (!looksSigned(text)) {
        ignore(key, "it is not signed");
        return;
      }
      for (const oldest of waiting) {
        if (waiting.size < mostWaiting) break;
        waiting.delete(oldest);
        ignore(oldest.key, "too many wait to be verified");
      }
      const entry = { key, text, sinceMs: now(), trying: false };
      waiting.add(entry);
      start(entry);
    },
    retry(): void {
      for (const entry of waiting) if (!entry.trying) start(entry);
    },
    /** Expiry of a key sends no event, so entries age here. */
    sweep(): void {
      for (const [key, { expiresMs }] of inForce) if (expiresMs <= now()) inForce.delete(key);
    },
    /** When everything that was added has been looked at once. */
    settled: async (): Promise<void> => {
      await Promise.all(trials);
    },
  };
}
