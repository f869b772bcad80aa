import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ChangePasswordRequest } from "#gen/user/v1/auth_pb.js";
import { UserUpdatedSchema } from "#gen/user/v1/events_pb.js";
import type { Call, Database, Events } from "#mesh";
import { describeCaller, fail } from "#mesh";
import { findAccount, replacePassword } from "./accounts-store.ts";
import { requestClosure } from "./closures.ts";
import type { Checked, PasswordCheck } from "./password-check.ts";
import { normalPassword, requireGoodPassword } from "./password-policy.ts";
import type { Passwords } from "./passwords.ts";
import { noUser } from "./refusals.ts";
import type { SessionInit, Sessions } from "./sessions.ts";

export interface PasswordChangeOptions {
  db: Database;
  events: Events;
  checkPassword: PasswordCheck;
  passwords: Passwords;
  sessions: Sessions;
  now: () => number;
}

/**
 * Changes a password. Whoever changes it may do so because somebody else knows
 * it: every session ends, together with the change, and one new one goes on.
 */
export function createPasswordChange(options: PasswordChangeOptions) {
  const { db, events, checkPassword, passwords, sessions, now } = options;

  return async (
    userId: string,
    { currentPassword, newPassword }: ChangePasswordRequest,
    call: Call,
    onChecked: (checked: Checked) => void,
  ): Promise<SessionInit> => {
    const account = await findAccount(db.sql, userId);
    if (!account) throw noUser();
    requireGoodPassword(newPassword, account.email);
    if (normalPassword(newPassword) === normalPassword(currentPassword)) {
      throw fail.invalid("same_password", "the new password is the current one", {
        remedy: "choose another",
      });
    }

    const checked = await checkPassword(account.emailKey, currentPassword, call);
    onChecked(checked);
    const { credentials } = checked;
    // Not `unauthenticated`: the session is good, and clients would try to renew it.
    if (!credentials) {
      throw fail.denied("wrong_password", "the current password is wrong", {
        remedy: "correct it and try again",
      });
    }

    const hash = await passwords.hash(newPassword, call.signal);
    const changed = await db.transaction(async (tx) => {
      const changedAt = new Date(now());
      const after = await replacePassword(tx, credentials, hash, changedAt);
      if (!after) return undefined;
      const closure = { userId, forget: false, reason: "the password was changed" };
      await requestClosure(tx, { ...closure, actor: describeCaller(call.caller) }, now());
      const updated = { userId, fields: ["password"], updatedAt: timestampFromDate(changedAt) };
      await events.publish(UserUpdatedSchema, updated, tx);
      return after;
    });
    if (!changed) {
      throw fail.aborted("password_changed_meanwhile", "the password was changed by another call", {
        remedy: "sign in again",
      });
    }
    // Ends what is owed first, and with it the session of this call.
    return sessions.open(changed, call).catch((cause: unknown) => {
      throw fail.unavailable(
        "changed_not_signed_in",
        "the password was changed, but is not signed in with yet",
        {
          remedy: "sign in with the new password in a few seconds",
          retryAfterMs: 2000,
          cause,
        },
      );
    });
  };
}

export type PasswordChange = ReturnType<typeof createPasswordChange>;
