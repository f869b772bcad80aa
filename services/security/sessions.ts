import { Outcome } from "#gen/security/v1/audit_pb.js";
import { Severity, ThreatKind } from "#gen/security/v1/threats_pb.js";
import type { Client } from "#gen/security/v1/tokens_pb.js";
import type { Query } from "#mesh";
import { cleanText, newId } from "#mesh";
import type { AuditTrail } from "./audit-trail.ts";
import { ownEntry } from "./audit-trail.ts";
import type { HeldGrant } from "./grants-store.ts";
import { grantOf } from "./grants-store.ts";
import type { Lifetimes } from "./lifetimes.ts";
import { accessExpiry, refreshExpiry } from "./lifetimes.ts";
import { newRefreshToken, refreshTokenHash } from "./refresh-token.ts";
import type { SessionRow } from "./sessions-store.ts";
import {
  closeSession,
  findRefreshToken,
  insertRefreshToken,
  insertSession,
  lockSessionOf,
  spendRefreshToken,
  touchSession,
} from "./sessions-store.ts";
import type { Signed, SignedTokens, Subject } from "./signed-tokens.ts";
import type { ThreatLog } from "./threat-log.ts";
import type { Finding } from "./threat-rules.ts";
import type { WriteStore } from "./write-store.ts";

export interface Opened {
  readonly subject: Subject;
  readonly grant: HeldGrant;
  readonly access: Signed;
  readonly refreshToken: string;
  readonly refreshExpiresMs: number;
}

export interface SessionsOptions {
  store: WriteStore;
  tokens: SignedTokens;
  threats: ThreatLog;
  audit: AuditTrail;
  lifetimes: Lifetimes;
  now: () => number;
}

/** Why a session ended when a spent token was shown. */
const reuse = "token_reuse";

interface Renewed {
  readonly session: SessionRow;
  readonly grant: HeldGrant;
  readonly refreshToken: string;
  readonly refreshExpiresMs: number;
}

/** Sessions and the tokens that keep them going. */
export function createSessions({ store, tokens, threats, audit, lifetimes, now }: SessionsOptions) {
  const addRefreshToken = async (tx: Query, sessionId: string, sessionExpiresMs: number) => {
    const refreshToken = newRefreshToken();
    const refreshExpiresMs = refreshExpiry(lifetimes, sessionExpiresMs, now());
    const hash = refreshTokenHash(refreshToken) ?? new Uint8Array();
    await insertRefreshToken(tx, { hash, sessionId, expiresAt: new Date(refreshExpiresMs) });
    return { refreshToken, refreshExpiresMs };
  };

  /** Somebody has an old copy of the token. Thief or owner, we cannot tell, so both must sign in again (RFC 9700 §4.14.2). */
  const endForReuse = async (tx: Query, session: SessionRow, requestId: string) => {
    const closed = await closeSession(tx, session.id, reuse, now());
    // A client that tries an old token after signing out is no thief.
    if (!closed && session.closeReason !== reuse) return;
    const news = await threats.raise(tx, [reuseOf(session.userId)], requestId);
    for (const entry of news) await audit.append(tx, entry);
    if (!closed) return;
    await audit.append(tx, {
      ...ownEntry,
      actor: `user:${session.userId}`,
      action: "session.reuse",
      resource: `session/${session.id}`,
      outcome: Outcome.DENIED,
      requestId,
    });
  };

  const renew = async (tx: Query, hash: Uint8Array, client: Client | undefined, requestId: string) => {
    const session = await lockSessionOf(tx, hash);
    const token = session && (await findRefreshToken(tx, hash));
    if (!token) return "unknown" as const;
    if (token.spentAt) {
      await endForReuse(tx, session, requestId);
      return "reused" as const;
    }
    const at = new Date(now());
    if (session.closedAt) return "ended" as const;
    if (token.expiresAt <= at || session.expiresAt <= at) return "expired" as const;
    await spendRefreshToken(tx, hash, at);
    await touchSession(tx, session.id, { ...placeOf(client), usedAt: at });
    const grant = await grantOf(tx, session.userId);
    const renewed: Renewed = {
      session,
      grant,
      ...(await addRefreshToken(tx, session.id, session.expiresAt.getTime())),
    };
    return renewed;
  };

  return {
    async open(userId: string, email: string, client: Client | undefined): Promise<Opened> {
      const openedMs = now();
      const subject: Subject = { userId, email, sessionId: newId(openedMs) };
      const sessionExpiresMs = openedMs + lifetimes.sessionMs;
      const { grant, ...refresh } = await store.write(async (tx) => {
        await insertSession(tx, {
          id: subject.sessionId,
          userId,
          email,
          ...placeOf(client),
          openedAt: new Date(openedMs),
          expiresAt: new Date(sessionExpiresMs),
        });
        const added = await addRefreshToken(tx, subject.sessionId, sessionExpiresMs);
        return { ...added, grant: await grantOf(tx, userId) };
      });
      const access = await tokens.access(subject, grant, accessExpiry(lifetimes, sessionExpiresMs, now()));
      return { subject, grant, access, ...refresh };
    },

    /** New tokens for old; otherwise why not, which is for our records and not for the caller. */
    async refresh(token: string, client: Client | undefined, requestId: string) {
      const hash = refreshTokenHash(token);
      if (!hash) return "malformed" as const;
      // Before the old token is spent: were there no key to sign with, it would be spent for nothing.
      await tokens.ready();
      const renewed = await store.write((tx) => renew(tx, hash, client, requestId));
      if (typeof renewed === "string") return renewed;
      const { session, grant, ...refresh } = renewed;
      const { userId, email, id: sessionId } = session;
      const subject: Subject = { userId, email, sessionId };
      const expiresMs = accessExpiry(lifetimes, session.expiresAt.getTime(), now());
      const opened: Opened = {
        subject,
        grant,
        access: await tokens.access(subject, grant, expiresMs),
        ...refresh,
      };
      return opened;
    },
  };
}

export type Sessions = ReturnType<typeof createSessions>;

const placeOf = (client: Client | undefined) => ({
  address: cleanText(client?.address ?? ""),
  userAgent: cleanText(client?.userAgent ?? ""),
});

const reuseOf = (userId: string): Finding => ({
  kind: ThreatKind.TOKEN_REUSE,
  severity: Severity.HIGH,
  subject: `user:${userId}`,
  description:
    "a spent refresh token was shown again, so somebody else may hold a copy; the session was ended",
});
