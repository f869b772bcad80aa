import type { Query } from "#mesh";
import type { KeyState } from "./key-rotation.ts";

export interface SigningKeyRow {
  readonly kid: string;
  readonly state: KeyState;
  readonly publicKey: string;
  readonly privateKey: Uint8Array | null;
  readonly seal: Uint8Array;
  readonly createdAt: Date;
  readonly activatedAt: Date | null;
  readonly retiredAt: Date | null;
  readonly longestLifeMs: bigint;
}

/** Any number will do, as long as every instance uses the same. */
const lockKey = 5_180_001;

/** One instance at a time changes the keys. */
export async function lockSigningKeys(tx: Query): Promise<void> {
  await tx`select pg_advisory_xact_lock(${lockKey})`;
}

export async function signingKeys(query: Query): Promise<SigningKeyRow[]> {
  return query<SigningKeyRow[]>`
    select kid, state, public_key, private_key, seal, created_at, activated_at, retired_at,
      longest_life_ms
    from signing_keys order by created_at, kid`;
}

export async function insertSigningKey(tx: Query, key: SigningKeyRow): Promise<void> {
  await tx`insert into signing_keys ${tx({ ...key })}`;
}

export async function retireKeys(tx: Query, kids: readonly string[], now: Date): Promise<void> {
  await tx`
    update signing_keys set state = 'retired', retired_at = ${now}, private_key = null
    where kid = any(${[...kids]})`;
}

export async function activateKey(tx: Query, kid: string, now: Date): Promise<void> {
  await tx`update signing_keys set state = 'active', activated_at = ${now} where kid = ${kid}`;
}

export async function forgetKeys(tx: Query, kids: readonly string[]): Promise<void> {
  await tx`delete from signing_keys where kid = any(${[...kids]})`;
}

/** From now on, keys in use may sign tokens that live this long. */
export async function raiseLongestLife(tx: Query, lifeMs: number): Promise<void> {
  await tx`
    update signing_keys set longest_life_ms = ${lifeMs}
    where state <> 'retired' and longest_life_ms < ${lifeMs}`;
}
