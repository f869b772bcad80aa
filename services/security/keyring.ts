import type { CryptoKey } from "jose";
import type { Database, Query } from "#mesh";
import { fail } from "#mesh";
import type { RotationPlan } from "./key-rotation.ts";
import { isPublished, planRotation } from "./key-rotation.ts";
import { newSigningKey, privateKeyOf, publicKeyOf, publishedForm } from "./signing-key.ts";
import type { SigningKeyRow } from "./signing-keys-store.ts";
import {
  activateKey,
  forgetKeys,
  insertSigningKey,
  lockSigningKeys,
  raiseLongestLife,
  retireKeys,
  signingKeys,
} from "./signing-keys-store.ts";

export interface Signer {
  readonly kid: string;
  readonly key: CryptoKey;
}

/** The keys of the issuer, the same in every instance. */
export interface Keyring {
  /** What signs now. */
  signer(): Promise<Signer>;
  /** The public key of this id, if we have published it. */
  verifier(kid: string): Promise<CryptoKey | undefined>;
  published(): Promise<ReturnType<typeof publishedForm>[]>;
  /** Rotates when it is time; forced, at once. Answers with the key that signs from now on when it is a new one. */
  rotate(tx: Query, force: boolean): Promise<string | undefined>;
  /** Reads the keys anew, after a rotation. */
  reload(): Promise<void>;
}

export interface KeyringOptions {
  db: Database;
  /** Encrypts private keys. */
  encryptionKey: Uint8Array;
  rotationMs: number;
  /** Life of the longest token that we sign. */
  longestLifeMs: number;
  now: () => number;
}

interface Snapshot {
  readonly takenMs: number;
  readonly signer: Signer | undefined;
  readonly verifiers: ReadonlyMap<string, CryptoKey>;
  readonly published: ReturnType<typeof publishedForm>[];
}

/** Another instance may have rotated: this is how long a retired key may go on signing here. */
const signerFreshMs = 5000;
/** Unknown ids are cheap to invent, and the key set is public: both cost one query a second at most. */
const publishedFreshMs = 1000;

export function createKeyring(options: KeyringOptions): Keyring {
  const { db, encryptionKey, rotationMs, longestLifeMs, now } = options;
  let latest: Snapshot | undefined;
  let loading: Promise<Snapshot> | undefined;

  const load = async (): Promise<Snapshot> => {
    const takenMs = now();
    const rows = (await signingKeys(db.sql)).filter((row) => isPublished(row, takenMs));
    const active = rows.find(({ state }) => state === "active");
    const known = latest?.signer;
    const signer =
      active &&
      (known?.kid === active.kid
        ? known
        : { kid: active.kid, key: await privateKeyOf(encryptionKey, active) });
    const verifiers = new Map<string, CryptoKey>();
    for (const row of rows) {
      verifiers.set(row.kid, latest?.verifiers.get(row.kid) ?? (await publicKeyOf(row)));
    }
    latest = { takenMs, signer, verifiers, published: rows.map(publishedForm) };
    return latest;
  };

  const snapshot = (freshMs: number): Promise<Snapshot> => {
    if (latest && Math.abs(now() - latest.takenMs) < freshMs) return Promise.resolve(latest);
    loading ??= load().finally(() => {
      loading = undefined;
    });
    return loading;
  };

  const apply = async (tx: Query, plan: RotationPlan, rows: readonly SigningKeyRow[]) => {
    const at = new Date(now());
    const make = async () => {
      const made = newSigningKey(encryptionKey, at, longestLifeMs);
      await insertSigningKey(tx, made);
      return made.kid;
    };
    if (plan.retire.length > 0) await retireKeys(tx, plan.retire, at);
    const kid = plan.makeActive ? await make() : plan.activate;
    if (kid) await activateKey(tx, kid, at);
    if (plan.makeNext) await make();
    if (plan.forget.length > 0) await forgetKeys(tx, plan.forget);
    if (rows.some((row) => row.state !== "retired" && row.longestLifeMs < longestLifeMs)) {
      await raiseLongestLife(tx, longestLifeMs);
    }
    return kid;
  };

  return {
    async signer() {
      const { signer } = await snapshot(signerFreshMs);
      if (!signer) {
        throw fail.unavailable("no_signing_key", "there is no active signing key", { retryAfterMs: 1000 });
      }
      return signer;
    },
    async verifier(kid) {
      return latest?.verifiers.get(kid) ?? (await snapshot(publishedFreshMs)).verifiers.get(kid);
    },
    async published() {
      return (await snapshot(publishedFreshMs)).published;
    },
    async rotate(tx, force) {
      await lockSigningKeys(tx);
      const rows = await signingKeys(tx);
      // Before anything is written: with another master key, what is written would be wrong too.
      for (const row of rows) if (row.state !== "retired") await privateKeyOf(encryptionKey, row);
      return apply(tx, planRotation(rows, { rotationMs, nowMs: now(), force }), rows);
    },
    async reload() {
      await loading?.catch(() => {});
      await load();
    },
  };
}
