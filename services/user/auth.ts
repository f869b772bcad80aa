import { Outcome } from "#gen/security/v1/audit_pb.js";
import type { AuthService } from "#gen/user/v1/auth_pb.js";
import type { Call, Handlers, UserIdentity } from "#mesh";
import { asService, fail, requireUser } from "#mesh";
import type { Audit } from "./audits.ts";
import type { CountOutcome } from "./auth-metrics.ts";
import { emailKey } from "./email.ts";
import type { Gate } from "./gate.ts";
import type { PasswordChange } from "./password-change.ts";
import type { Checked, PasswordCheck } from "./password-check.ts";
import { badCredentials, badToken } from "./refusals.ts";
import type { Registration } from "./registration.ts";
import type { Reports } from "./reports.ts";
import type { Security } from "./security.ts";
import { clientOf, isRefusal, securityAway } from "./security.ts";
import type { Sessions } from "./sessions.ts";

export interface AuthOptions {
  register: Registration;
  checkPassword: PasswordCheck;
  changePassword: PasswordChange;
  sessions: Sessions;
  security: Security;
  reports: Reports;
  audit: Audit;
  count: CountOutcome;
  /** Bounds how many calls that lead to a hash are under way, hash or not. */
  door: Gate;
}

/** Longest token that security looks at. */
const grantOf = ({ id, email, roles, permissions }: UserIdentity) => ({
  userId: id,
  email,
  roles: [...roles],
  permissions: [...permissions],
});

const longestToken = 8192;

export function auth(given: AuthOptions): Handlers<typeof AuthService> {
  const { register, checkPassword, changePassword, sessions, security, reports, audit, count, door } = given;

  const report = (call: Call, action: string, { account, userId, credentials }: Checked) => {
    const succeeded = credentials !== undefined;
    reports.send("sign_in", call, () =>
      security.threats.reportSignIn({
        account,
        succeeded,
        client: clientOf(call),
        ...(userId && { userId }),
      }),
    );
    audit.signIn(call, {
      action,
      resource: userId ? `user/${userId}` : `account/${account}`,
      ...(succeeded ? { actor: `user:${userId}` } : { outcome: Outcome.DENIED }),
    });
  };

  const countAtDoor = <T>(action: string, work: () => Promise<T>) => count(action, () => door.run(work));

  return {
    register: (request, call) =>
      countAtDoor("register", async () => {
        const account = await register(request, call);
        audit.signIn(call, {
          action: "user.register",
          resource: `user/${account.id}`,
          actor: `user:${account.id}`,
        });
        const session = await sessions.open(account, call).catch((cause: unknown) => {
          throw fail.unavailable("registered_not_signed_in", "the account was made, but is not signed in", {
            remedy: "sign in with the same address and password in a few seconds",
            retryAfterMs: 2000,
            cause,
          });
        });
        return { session };
      }),

    login: ({ email, password }, call) =>
      countAtDoor("login", async () => {
        const checked = await checkPassword(emailKey(email), password, call);
        report(call, "user.login", checked);
        if (!checked.credentials) throw badCredentials();
        return { session: await sessions.open(checked.credentials, call) };
      }),

    refresh: ({ refreshToken }, call) =>
      count("refresh", async () => ({ session: await sessions.refresh(refreshToken, call) })),

    logout: ({ everywhere }, call) =>
      count("logout", () =>
        audit.during(call, async (record) => {
          const { id, sessionId } = requireUser(call);
          if (everywhere) await sessions.closeAll(id, "signed out everywhere", call);
          else await sessions.close(sessionId, call);
          record({
            action: "user.logout",
            resource: `user/${id}`,
            details: { everywhere: String(everywhere) },
          });
          return {};
        }),
      ),

    validate: (_request, call) =>
      count("validate", async () => {
        const { service, user } = call.caller;
        // The token was shown to that service, which vouches for the user by the issuer's word.
        if (service && user) return grantOf(user);
        const token = call.userToken;
        if (!token) {
          throw fail.unauthenticated(
            "token_required",
            "the call carries no access token, or none that is good",
            {
              remedy: "send `authorization: Bearer <access token>`",
            },
          );
        }
        if (token.length > longestToken) throw badToken();
        const answer = await asService(call, () => security.tokens.validateToken({ token })).catch(
          (error: unknown) => {
            throw isRefusal(error) ? badToken(error) : securityAway(error);
          },
        );
        if (!answer.valid) throw badToken();
        const { userId, email, roles, permissions } = answer;
        return { userId, email, roles, permissions };
      }),

    changePassword: (request, call) =>
      countAtDoor("change_password", async () => {
        const user = requireUser(call);
        const session = await changePassword(user.id, request, call, (checked) =>
          report(call, "user.password_change", checked),
        );
        return { session };
      }),
  };
}
