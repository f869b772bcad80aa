import type { Call, Database } from "#mesh";
import type { Credentials } from "./accounts-store.ts";
import { findCredentials, renewPasswordHash } from "./accounts-store.ts";
import type { Passwords } from "./passwords.ts";
import type { Pseudonyms } from "./pseudonyms.ts";
import { throttled } from "./refusals.ts";
import { placeKnownMs } from "./throttle-policies.ts";
import type { Counter } from "./throttle-store.ts";
import { forgetFailures, reserveTry, returnTry } from "./throttle-store.ts";

/** How a check ended. An unknown account and a wrong password differ in `userId` only, which is for reports. */
export interface Checked {
  /** Only when the password was right. */
  readonly credentials: Credentials | undefined;
  readonly userId: string | undefined;
  /** Stands for the account. */
  readonly account: string;
}

export interface PasswordCheckOptions {
  db: Database;
  passwords: Passwords;
  pseudonyms: Pseudonyms;
  now: () => number;
}

/**
 * Checks a password, slowing those who guess. Everything that may be refused
 * is refused before the hash, which is what costs; and each step is taken for
 * accounts that do not exist as well.
 */
export function createPasswordCheck({ db, passwords, pseudonyms, now }: PasswordCheckOptions) {
  return async (emailKey: string, password: string, call: Call): Promise<Checked> => {
    const account = pseudonyms.account(emailKey);
    const network = pseudonyms.network(call.client.address);
    const found = await findCredentials(db.sql, emailKey, network, new Date(now() - placeKnownMs));
    const fromNetwork: Counter = { scope: "network", account: "", network };
    // At a place, what others of its network did does not count.
    const counters: Counter[] = found?.placeKnown
      ? [{ scope: "place", account, network }]
      : [fromNetwork, { scope: "account", account, network: "" }];

    const wait = await reserveTry(db, counters, now());
    if (wait > 0) throw throttled(wait);

    const isRight = await passwords
      .verify(found?.passwordHash, password, call.signal)
      .catch(async (error: unknown) => {
        for (const counter of counters) await returnTry(db.sql, counter);
        throw error;
      });
    if (!isRight || !found) {
      // What fails at a place counts for its network as well, unless that must wait already.
      if (found?.placeKnown) await reserveTry(db, [fromNetwork], now());
      return { credentials: undefined, userId: found?.id, account };
    }
    await forgetFailures(db.sql, account, network);
    if (!found.placeKnown) await returnTry(db.sql, fromNetwork);
    if (passwords.isStale(found.passwordHash)) await rehash(found, password, call);
    return { credentials: found, userId: found.id, account };
  };

  async function rehash(account: Credentials, password: string, call: Call): Promise<void> {
    try {
      await renewPasswordHash(db.sql, account, await passwords.hash(password, call.signal));
    } catch (error) {
      call.log.warn(
        { err: error, userId: account.id },
        "password not rehashed; tried again at the next login",
      );
    }
  }
}

export type PasswordCheck = ReturnType<typeof createPasswordCheck>;
