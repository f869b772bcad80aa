import type { Query } from "#mesh";
import { lockNamed, newId } from "#mesh";
import type { History, SignIn } from "./threat-rules.ts";
import { failureWindowMs } from "./threat-rules.ts";

/** Most sign-ins of one user that are looked at and kept. */
const longestHistory = 200;

/** Sign-ins to one account, or from one address, are judged one after the other: each must see those before it. */
export async function lockSignIns(tx: Query, { account, address }: SignIn): Promise<void> {
  // In one order everywhere, so that two transactions never wait for each other.
  for (const name of [`account ${account}`, `address ${address}`].sort()) {
    await lockNamed(tx, `sign-in ${name}`);
  }
}

export async function historyBefore(tx: Query, signIn: SignIn): Promise<History> {
  const { account, address, userId, timeMs } = signIn;
  const since = new Date(timeMs - failureWindowMs);
  const [counts] = await tx<{ atAccount: number; fromAddress: number }[]>`
    select
      (select count(*)::int from sign_ins
        where not succeeded and account = ${account} and time > ${since}) as at_account,
      (select count(*)::int from sign_ins
        where not succeeded and address = ${address} and time > ${since}) as from_address`;
  const rows = userId
    ? await tx<{ network: string; time: Date }[]>`
        select network, time from sign_ins where succeeded and user_id = ${userId}
        order by time desc limit ${longestHistory}`
    : [];
  return {
    failuresAtAccount: counts?.atAccount ?? 0,
    failuresFromAddress: counts?.fromAddress ?? 0,
    signIns: rows.map(({ network, time }) => ({ network, timeMs: time.getTime() })),
  };
}

export async function insertSignIn(tx: Query, signIn: SignIn): Promise<void> {
  const { timeMs, userId = null, ...rest } = signIn;
  await tx`insert into sign_ins ${tx({ ...rest, id: newId(timeMs), userId, time: new Date(timeMs) })}`;
  if (!userId || !signIn.succeeded) return;
  await tx`
    delete from sign_ins where id in (
      select id from sign_ins where succeeded and user_id = ${userId}
      order by time desc offset ${longestHistory})`;
}

export async function forgetSignInsOf(tx: Query, userId: string): Promise<void> {
  await tx`delete from sign_ins where user_id = ${userId}`;
}
