import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { RegisterRequest } from "#gen/user/v1/auth_pb.js";
import { UserCreatedSchema } from "#gen/user/v1/events_pb.js";
import type { Call, Database, Events } from "#mesh";
import { fail, newId, violates } from "#mesh";
import type { Credentials } from "./accounts-store.ts";
import { emailIsTaken, emailUnique, insertAccount } from "./accounts-store.ts";
import { emailKey } from "./email.ts";
import { requireGoodPassword } from "./password-policy.ts";
import type { Passwords } from "./passwords.ts";
import type { Pseudonyms } from "./pseudonyms.ts";
import { tooManyRegistrations } from "./refusals.ts";
import { requireName } from "./text.ts";
import type { Counter } from "./throttle-store.ts";
import { reserveTry, returnTry } from "./throttle-store.ts";

export interface RegistrationOptions {
  db: Database;
  events: Events;
  passwords: Passwords;
  pseudonyms: Pseudonyms;
  now: () => number;
}

const defaultRole = "Customer";

/**
 * Makes accounts. It must say when an address is taken, and so tells who has
 * an account; what keeps that from being used is that each network may be told
 * so only a few times. Nor may one network make accounts without end.
 */
export function createRegistration({ db, events, passwords, pseudonyms, now }: RegistrationOptions) {
  return async (request: RegisterRequest, call: Call): Promise<Credentials> => {
    const email = request.email.trim();
    const displayName = requireName("display_name", request.displayName);
    requireGoodPassword(request.password, email);

    const network = pseudonyms.network(call.client.address);
    const refused: Counter = { scope: "registration", account: "", network };
    const registered: Counter = { scope: "registered", account: "", network };
    // Both are counted until it is known which it is. Those under way are never
    // so many that they look like failures: the quota of the other is smaller.
    const wait = await reserveTry(db, [refused, registered], now());
    if (wait > 0) throw tooManyRegistrations(wait);

    const made = await make(email, displayName, request, call).catch(async (error: unknown) => {
      await returnTry(db.sql, refused);
      await returnTry(db.sql, registered);
      throw error;
    });
    if (!made) {
      await returnTry(db.sql, registered);
      throw fail.alreadyExists("email_taken", "this e-mail address has an account already", {
        remedy: "sign in, or register with another address",
      });
    }
    await returnTry(db.sql, refused);
    return made;
  };

  async function make(
    email: string,
    displayName: string,
    { password, role }: RegisterRequest,
    call: Call,
  ): Promise<Credentials | undefined> {
    const key = emailKey(email);
    if (await emailIsTaken(db.sql, key)) return undefined;
    const account = {
      id: newId(now()),
      email,
      passwordHash: await passwords.hash(password, call.signal),
      passwordVersion: 1,
      pendingRole: role || defaultRole,
    };
    try {
      const createdAt = new Date(now());
      await db.transaction(async (tx) => {
        await insertAccount(tx, { ...account, emailKey: key, displayName, createdAt });
        const created = { userId: account.id, createdAt: timestampFromDate(createdAt) };
        await events.publish(UserCreatedSchema, created, tx);
      });
      return account;
    } catch (error) {
      if (violates(error, emailUnique)) return undefined;
      throw error;
    }
  }
}

export type Registration = ReturnType<typeof createRegistration>;
