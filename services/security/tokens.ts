import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { TokenService, TokensSchema } from "#gen/security/v1/tokens_pb.js";
import type { Call, Database, Handlers } from "#mesh";
import { canonicalId, cleanText, describeCaller, fail } from "#mesh";
import type { AuditTrail } from "./audit-trail.ts";
import { ownEntry } from "./audit-trail.ts";
import type { Keyring } from "./keyring.ts";
import { statementExpiry } from "./lifetimes.ts";
import { refreshTokenHash } from "./refresh-token.ts";
import type { Rotation } from "./rotation.ts";
import type { SecurityMetrics } from "./security-metrics.ts";
import type { ServiceTokens } from "./service-tokens.ts";
import type { Opened, Sessions } from "./sessions.ts";
import { closeSession, closeSessionsOf, sessionIdOf } from "./sessions-store.ts";
import type { SignedTokens } from "./signed-tokens.ts";
import { problemText, standingOf } from "./user-tokens.ts";
import type { WriteStore } from "./write-store.ts";

export interface TokensDeps {
  db: Database;
  store: WriteStore;
  keyring: Keyring;
  rotation: Rotation;
  signed: SignedTokens;
  sessions: Sessions;
  serviceTokens: ServiceTokens;
  trail: AuditTrail;
  metrics: SecurityMetrics;
  now: () => number;
}

export const tokens = (deps: TokensDeps): Handlers<typeof TokenService> => {
  const { db, store, keyring, rotation, signed, sessions, serviceTokens, trail, metrics, now } = deps;

  return {
    async openSession({ userId, email, client }) {
      const opened = await sessions.open(canonicalId(userId), cleanText(email), client);
      metrics.issued("access");
      metrics.issued("refresh");
      const { roles, permissions } = opened.grant;
      return { tokens: toTokens(opened), roles: [...roles], permissions: [...permissions] };
    },

    async refreshSession({ refreshToken, client }, call) {
      const refreshed = await sessions.refresh(refreshToken, client, call.correlationId);
      if (typeof refreshed === "string") {
        metrics.refused("refresh", refreshed);
        call.log.warn({ problem: refreshed }, "refresh token refused");
        throw badRefreshToken();
      }
      metrics.issued("access");
      metrics.issued("refresh");
      return { tokens: toTokens(refreshed), userId: refreshed.subject.userId };
    },

    async closeSession({ session }) {
      const id = session.case === "refreshToken" ? await sessionIdByToken(db, session.value) : session.value;
      if (id) await store.write((tx) => closeSession(tx, id, "signed_out", now()));
      return {};
    },

    async closeUserSessions({ userId, reason }, call) {
      const user = canonicalId(userId);
      const why = cleanText(reason) || "closed";
      const closed = await store.write(async (tx) => {
        const count = await closeSessionsOf(tx, user, why, now());
        if (count > 0) await trail.append(tx, closure(user, why, count, call));
        return count;
      });
      return { closed };
    },

    async validateToken({ token }) {
      const standing = await standingOf(token, { query: db.sql, tokens: signed, nowMs: now() });
      if (!standing.ok) {
        metrics.refused("validate", standing.reason);
        return { valid: false, reason: problemText[standing.reason] };
      }
      const { subject, grant, expiresMs } = standing;
      return {
        valid: true,
        ...subject,
        roles: [...grant.roles],
        permissions: [...grant.permissions],
        expiresAt: timestampFromMs(expiresMs),
      };
    },

    async issueServiceToken({ assertion, audience }, call) {
      const { token, expiresMs, scopes } = await serviceTokens.issue(assertion, audience, call);
      return { token, expiresAt: timestampFromMs(expiresMs), scopes: [...scopes] };
    },

    async exchangeUserToken({ subjectToken, audience }, { caller }) {
      const actor = caller.service?.name;
      if (!actor) throw fail.denied("service_required", "only services act for users");
      const options = { query: db.sql, tokens: signed, reader: actor, nowMs: now() };
      const standing = await standingOf(subjectToken, options);
      if (!standing.ok) {
        metrics.refused("exchange", standing.reason);
        throw fail.unauthenticated(standing.reason, problemText[standing.reason], {
          remedy: "refresh it or sign in again",
        });
      }
      const { subject, grant, expiresMs: subjectExpiresMs } = standing;
      const until = statementExpiry(subjectExpiresMs, now());
      const { token, expiresMs } = await signed.statement(subject, grant, actor, audience, until);
      metrics.issued("statement");
      return { statement: token, expiresAt: timestampFromMs(expiresMs) };
    },

    getKeySet: async () => ({ keys: await keyring.published() }),

    rotateKeys: async (_request, call) => ({
      kid: await rotation.rotateNow(describeCaller(call.caller), call.correlationId),
    }),
  };
};

async function sessionIdByToken(db: Database, token: string): Promise<string | undefined> {
  const hash = refreshTokenHash(token);
  return hash && sessionIdOf(db.sql, hash);
}

const badRefreshToken = () =>
  fail.unauthenticated("bad_refresh_token", "the refresh token is not valid", { remedy: "sign in again" });

const closure = (userId: string, reason: string, count: number, call: Call) => ({
  ...ownEntry,
  actor: describeCaller(call.caller),
  action: "session.close_all",
  resource: `user/${userId}`,
  requestId: call.correlationId,
  details: { reason, closed: String(count) },
});

function toTokens(opened: Opened): MessageInitShape<typeof TokensSchema> {
  const { subject, access, refreshToken, refreshExpiresMs } = opened;
  return {
    accessToken: access.token,
    accessExpiresAt: timestampFromMs(access.expiresMs),
    refreshToken,
    refreshExpiresAt: timestampFromMs(refreshExpiresMs),
    sessionId: subject.sessionId,
  };
}
