import { Code, ConnectError } from "@connectrpc/connect";
import type { UserService } from "#gen/user/v1/user_pb.js";
import type { Clients } from "#mesh";
import { asService, currentCall } from "#mesh";

export interface Recipient {
  readonly email: string;
  /** Empty for none, like the rest. */
  readonly phone: string;
  readonly locale: string;
  readonly timeZone: string;
}

/** What is known of a user now; nothing when there is no such account. */
export type FindRecipient = (userId: string) => Promise<Recipient | undefined>;

/** Addresses are asked for when they are needed and kept nowhere here. */
export function createRecipients(users: Clients<{ users: typeof UserService }>["users"]): FindRecipient {
  const find: FindRecipient = async (id) => {
    try {
      const { user } = await users.getUser({ id });
      if (!user) return undefined;
      const { phone = "", locale = "", timeZone = "" } = user.profile ?? {};
      return { email: user.email, phone, locale, timeZone };
    } catch (error) {
      if (error instanceof ConnectError && error.code === Code.NotFound) return undefined;
      throw error;
    }
  };
  return (id) => {
    const call = currentCall();
    return call ? asService(call, () => find(id)) : find(id);
  };
}
