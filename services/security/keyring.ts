import type { CryptoKey } from "jose";
import type { Database, Logger, Query } from "#mesh";
import { fail } from "#mesh";
import type { RotationPlan } from "./key-rotation.ts";
import { isPublished, planRotation } from "./key-rotation.ts";
import type { RowKeys } from "./signing-key.ts";
import {
  isOurs,
  newSigningKey,
  privateKeyOf,
  privatePartOf,
  publicKeyOf,
  publishedForm,
} from "./signing-key.ts";
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
  /** Throws when nothing can be signed, or when somebody else wrote to the table of keys. */
  check(): Promise<void>;
}

export interface KeyringOptions {
  db: Database;
  rowKeys: RowKeys;
  log: Logger;
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
  /** Ids of rows whose seal does not hold. */
  readonly foreign: string;
}

/** Another instance may have rotated: this is how long a retired key may go on signing here. */
const signerFreshMs = 5000;
/** Unknown ids are cheap to invent, and the key set is public: both cost one query a second at most. */
const publishedFreshMs = 1000;

export function createKeyring(options: KeyringOptions): Keyring {
  const { db, rowKeys, rotationMs, longestLifeMs, log, now } = options;
  let latest: Snapshot | undefined;
  let loading: Promise<Snapshot> | undefined;

  const sorted = (rows: readonly SigningKeyRow[]) => {
    const ours = rows.filter((row) => isOurs(rowKeys.seal, row));
    const foreign = rows.filter((row) => !ours.includes(row));
    return { ours, foreign: foreign.map(({ kid }) => kid).join(",") };
  };

  const load = async (): Promise<Snapshot> => {
    const takenMs = now();
    const { ours, foreign } = sorted(await signingKeys(db.sql));
    const rows = ours.filter((row) => isPublished(row, takenMs));
    if (foreign && foreign !== latest?.foreign) {
      log.error({ kids: foreign }, "rows of signing_keys were not written by this service and are ignored");
    }
    const active = rows.find(({ state }) => state === "active");
    const known = latest?.signer;
    const signer =
      active &&
      (known?.kid === active.kid
        ? known
        : { kid: active.kid, key: await privateKeyOf(rowKeys.encryption, active) });
    const verifiers = new Map<string, CryptoKey>();
    for (const row of rows) {
      verifiers.set(row.kid, latest?.verifiers.get(row.kid) ?? (await publicKeyOf(row)));
    }
    latest = { takenMs, signer, verifiers, published: rows.map(publishedForm), foreign };
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
      const made = newSigningKey(rowKeys, at, longestLifeMs);
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
      if (!signer) throw noSigner();
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
      const { ours } = sorted(rows);
      // Before anything is written: with another master key, what is written would be wrong too.
      for (const row of rows) if (row.state !== "retired") privatePartOf(rowKeys.encryption, row);
      const intruder = rows.find((row) => row.state !== "retired" && !ours.includes(row));
      if (intruder) throw foreignKeys(intruder.kid);
      return apply(tx, planRotation(ours, { rotationMs, nowMs: now(), force }), ours);
    },
    async reload() {
      await loading?.catch(() => {});
      await load();
    },
    async check() {
      const { signer, foreign } = await snapshot(signerFreshMs);
      if (foreign) throw foreignKeys(foreign);
      if (!signer) throw noSigner();
    },
  };
}

const noSigner = () =>
  fail.unavailable("no_signing_key", "there is no active signing key", { retryAfterMs: 1000 });

const foreignKeys = (kids: string) =>
  fail.precondition("foreign_signing_key", `signing_keys has rows that this service did not write: ${kids}`, {
    remedy: "find out who can write to its database, then delete these rows",
  });
