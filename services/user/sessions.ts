import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { decodeJwt } from "jose";
import type { Tokens } from "#gen/security/v1/tokens_pb.js";
import type { SessionSchema } from "#gen/user/v1/auth_pb.js";
import { UserLoggedInSchema } from "#gen/user/v1/events_pb.js";
import type { Call, Database, Events } from "#mesh";
import { asService, fail } from "#mesh";
import { userOf } from "#mesh/identity/tokens.ts";
import { type Credentials, findAccount, recordSignIn, roleIsAssigned } from "./accounts-store.ts";
import { requestClosure, settleClosures } from "./closures.ts";
import { badCredentials, badRefreshToken } from "./refusals.ts";
import type { Security } from "./security.ts";
import { clientOf, isRefusal, securityAway } from "./security.ts";

export type SessionInit = MessageInitShape<typeof SessionSchema>;

/** Sessions as this service sees them: security keeps them, but only for accounts that exist. */
export interface Sessions {
  /** Signs a user in whose password was checked. */
  open(account: Credentials, call: Call): Promise<SessionInit>;
  refresh(refreshToken: string, call: Call): Promise<SessionInit>;
  close(sessionId: string, call: Call): Promise<void>;
  closeAll(userId: string, reason: string, call: Call): Promise<void>;
}

export interface SessionsOptions {
  db: Database;
  security: Security;
  events: Events;
  /** Stands for the network that a call comes from. */
  network: (call: Call) => string;
  now: () => number;
}

export function createSessions({ db, security, events, network, now }: SessionsOptions): Sessions {
  const { tokens, permissions } = security;

  /** Ends what was opened for an account that was deleted, or whose password was changed, meanwhile. */
  const undo = async (userId: string) => {
    const forget = (await findAccount(db.sql, userId)) === undefined;
    const reason = "the account changed while it was signed in to";
    await requestClosure(db.sql, { userId, forget, reason, actor: "service:user" }, now());
    await settleClosures(db, security, userId);
  };

  const signedIn = (account: Credentials, call: Call) =>
    db.transaction(async (tx) => {
      const at = new Date(now());
      const isThere = await recordSignIn(tx, account, network(call), at);
      const loggedIn = { userId: account.id, loggedInAt: timestampFromDate(at) };
      if (isThere) await events.publish(UserLoggedInSchema, loggedIn, tx);
      return isThere;
    });

  const assignPendingRole = async ({ id: userId, pendingRole }: Credentials) => {
    if (pendingRole === null) return;
    try {
      await permissions.assignInitialRole({ userId, role: pendingRole });
    } catch (error) {
      // An admin was faster: the roles that he gave hold.
      if (!isRefusal(error)) throw error;
    }
    await roleIsAssigned(db.sql, userId);
  };

  return {
    open: (account, call) =>
      asService(call, async () => {
        const { id: userId, email } = account;
        const opened = await orAway(async () => {
          await settleClosures(db, security, userId);
          await assignPendingRole(account);
          return tokens.openSession({ userId, email, client: clientOf(call) });
        });
        // After opening: whoever deletes the account later closes this session
        // too, and whoever deleted it before is noticed here.
        if (!(await signedIn(account, call))) {
          await orAway(() => undo(userId));
          throw badCredentials();
        }
        return toSession(userId, opened.tokens, opened);
      }),

    refresh: (refreshToken, call) =>
      asService(call, async () => {
        const { tokens: fresh, userId } = await tokens
          .refreshSession({ refreshToken, client: clientOf(call) })
          .catch((error: unknown) => {
            throw isRefusal(error) ? badRefreshToken(error) : securityAway(error);
          });
        if (!(await findAccount(db.sql, userId))) {
          await orAway(() => undo(userId));
          throw badRefreshToken();
        }
        // From the token itself: were a second call to fail now, the old
        // refresh token would be spent and the new one not delivered.
        return toSession(userId, fresh, userOf(decodeJwt(fresh?.accessToken ?? "")));
      }),

    close: (sessionId, call) =>
      asService(call, async () => {
        await orAway(() => tokens.closeSession({ session: { case: "sessionId", value: sessionId } }));
      }),

    closeAll: (userId, reason, call) =>
      asService(call, async () => {
        await orAway(() => tokens.closeUserSessions({ userId, reason }));
      }),
  };
}

/** What security answers to us is not for our caller: its errors become ours. */
async function orAway<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isRefusal(error)) throw securityAway(error);
    throw fail.internal("security_refused", "the session could not be managed", {
      remedy: "the service's log has the cause under this request id",
      cause: error,
    });
  }
}

function toSession(
  userId: string,
  tokens: Tokens | undefined,
  { roles, permissions }: { readonly roles: readonly string[]; readonly permissions: readonly string[] },
): SessionInit {
  if (!tokens) throw fail.internal("no_tokens", "security answered without tokens");
  const { accessToken, accessExpiresAt, refreshToken, refreshExpiresAt, sessionId } = tokens;
  return {
    accessToken,
    refreshToken,
    sessionId,
    userId,
    roles: [...roles],
    permissions: [...permissions],
    ...(accessExpiresAt && { accessExpiresAt }),
    ...(refreshExpiresAt && { refreshExpiresAt }),
  };
}
