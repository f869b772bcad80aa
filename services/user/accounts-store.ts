import type { Query } from "#mesh";
import { only } from "#mesh";
import type { ProfileValues } from "./profile.ts";

/** What others than the password check may see of an account. */
export interface AccountRow {
  readonly id: string;
  readonly email: string;
  readonly emailKey: string;
  readonly displayName: string;
  readonly bio: string;
  readonly phone: string;
  readonly locale: string;
  readonly timeZone: string;
  readonly avatarFileId: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly lastLoginAt: Date | null;
}

/** What signing in needs to know of an account. */
export interface Credentials {
  readonly id: string;
  readonly email: string;
  readonly passwordHash: string;
  /** Grows with each change of the password, not with a new hash of the same one. */
  readonly passwordVersion: number;
  readonly pendingRole: string | null;
}

export interface NewAccount extends Credentials {
  readonly emailKey: string;
  readonly displayName: string;
  readonly createdAt: Date;
}

/** Name of the constraint that keeps addresses unique. */
export const emailUnique = "accounts_email_key_unique";

export const accountColumns = (query: Query) => query`
  id, email, email_key, display_name, bio, phone, locale, time_zone, avatar_file_id,
  created_at, updated_at, last_login_at`;

export async function insertAccount(query: Query, account: NewAccount): Promise<void> {
  const searchText = searchTextOf(account.emailKey, account.displayName);
  await query`insert into accounts ${query({ ...account, searchText, updatedAt: account.createdAt })}`;
}

export async function emailIsTaken(query: Query, emailKey: string): Promise<boolean> {
  const rows = await query`select 1 from accounts where email_key = ${emailKey}`;
  return rows.length > 0;
}

/** The account of an address, and whether it was signed in to from this network since then. */
export async function findCredentials(
  query: Query,
  emailKey: string,
  network: string,
  knownSince: Date,
): Promise<(Credentials & { readonly placeKnown: boolean }) | undefined> {
  const [row] = await query<(Credentials & { placeKnown: boolean })[]>`
    select a.id, a.email, a.password_hash, a.password_version, a.pending_role, p.account_id is not null as place_known
    from accounts a
    left join known_places p
      on p.account_id = a.id and p.network = ${network} and p.last_seen_at >= ${knownSince}
    where a.email_key = ${emailKey}`;
  return row;
}

export async function findAccount(query: Query, id: string): Promise<AccountRow | undefined> {
  const [row] = await query<AccountRow[]>`select ${accountColumns(query)} from accounts where id = ${id}`;
  return row;
}

/** The account, kept as it is until the transaction ends. */
export async function lockAccount(query: Query, id: string): Promise<AccountRow | undefined> {
  const [row] = await query<AccountRow[]>`
    select ${accountColumns(query)} from accounts where id = ${id} for update`;
  return row;
}

export async function saveProfile(
  query: Query,
  { id, emailKey }: AccountRow,
  profile: ProfileValues,
  now: Date,
): Promise<AccountRow> {
  const columns = {
    ...profile,
    avatarFileId: profile.avatarFileId || null,
    searchText: searchTextOf(emailKey, profile.displayName),
    updatedAt: now,
  };
  const rows = await query<AccountRow[]>`
    update accounts set ${query(columns)} where id = ${id} returning ${accountColumns(query)}`;
  return only(rows);
}

/** The form in which text is looked for, and looked in. */
export const searchForm = (text: string): string => text.normalize("NFC").toLowerCase();

const searchTextOf = (emailKey: string, displayName: string) => `${emailKey}\n${searchForm(displayName)}`;

/** Stores another hash of the same password. */
export async function renewPasswordHash(query: Query, account: Credentials, hash: string): Promise<void> {
  const { id, passwordHash } = account;
  await query`update accounts set password_hash = ${hash} where id = ${id} and password_hash = ${passwordHash}`;
}

/** Stores a new password; undefined when the account is gone or another change was faster. */
export async function replacePassword(
  query: Query,
  account: Credentials,
  passwordHash: string,
  now: Date,
): Promise<Credentials | undefined> {
  const { id, passwordVersion } = account;
  const { count } = await query`
    update accounts
    set password_hash = ${passwordHash}, password_version = password_version + 1, updated_at = ${now}
    where id = ${id} and password_version = ${passwordVersion}`;
  return count === 1 ? { ...account, passwordHash, passwordVersion: passwordVersion + 1 } : undefined;
}

export async function roleIsAssigned(query: Query, id: string): Promise<void> {
  await query`update accounts set pending_role = null where id = ${id}`;
}

/** Notes a sign-in; false when the account is gone or its password was changed since it was checked. */
export async function recordSignIn(
  query: Query,
  { id, passwordVersion }: Credentials,
  network: string,
  now: Date,
): Promise<boolean> {
  const rows = await query`
    with account as (
      update accounts set last_login_at = greatest(last_login_at, ${now})
      where id = ${id} and password_version = ${passwordVersion}
      returning id
    )
    insert into known_places (account_id, network, last_seen_at)
    select id, ${network}, ${now} from account
    on conflict (account_id, network) do update set last_seen_at = excluded.last_seen_at
    returning account_id`;
  return rows.length > 0;
}

export async function dropOldPlaces(query: Query, before: Date): Promise<void> {
  await query`delete from known_places where last_seen_at < ${before}`;
}

/** Removes the account with all personal data; only its id and the time remain. */
export async function eraseAccount(query: Query, id: string, now: Date): Promise<void> {
  await query`delete from accounts where id = ${id}`;
  await query`insert into deleted_accounts (id, deleted_at) values (${id}, ${now})`;
}

export async function wasDeleted(query: Query, id: string): Promise<boolean> {
  const rows = await query`select 1 from deleted_accounts where id = ${id}`;
  return rows.length > 0;
}
