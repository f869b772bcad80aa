import { setImmediate as breathe } from "node:timers/promises";
import { Outcome } from "#gen/security/v1/audit_pb.js";
import type { Database, Logger, Query } from "#mesh";
import { cleanText } from "#mesh";
import type { AuditAnchor } from "./audit-anchor.ts";
import type { Broken, Entry, Head } from "./audit-chain.ts";
import { compareHeads, followChain } from "./audit-chain.ts";
import { detailsWithoutSecrets, withoutSecrets } from "./audit-secrets.ts";
import { appendEntry, entriesBetween, headOf, sealAt } from "./audit-store.ts";
import type { WriteStore } from "./write-store.ts";

export type NewEntry = Omit<Entry, "details"> & { readonly details?: Readonly<Record<string, string>> };

/** The record of who did what. */
export interface AuditTrail {
  /** Adds an entry as the last step of a transaction, so that a change and its entry stand or fall together. */
  append(tx: Query, entry: NewEntry): Promise<Head>;
  /** Adds an entry by itself. */
  record(entry: NewEntry): Promise<Head>;
  /** Adds an entry about something that must go on even if that fails, which is then logged. */
  tryRecord(entry: NewEntry): Promise<void>;
  verify(signal: AbortSignal): Promise<Verdict>;
}

export interface Verdict {
  readonly intact: boolean;
  readonly checked: bigint;
  readonly brokenAt: bigint;
  readonly reason: string;
}

export interface AuditTrailOptions {
  db: Database;
  /** Seals entries. */
  key: Uint8Array;
  /** Where the record begins. */
  start: Head;
  store: WriteStore;
  anchor: AuditAnchor;
  log: Logger;
  now: () => number;
}

/** Bounds what a walk over a long record holds in memory. */
const batch = 500;

/** What our own entries have in common. */
export const ownEntry = { service: "security", outcome: Outcome.ALLOWED } as const;

export function createAuditTrail(options: AuditTrailOptions): AuditTrail {
  const { db, key, start, store, anchor, log, now } = options;

  const append = (tx: Query, entry: NewEntry) => appendEntry(tx, { key, start, entry: tidy(entry), now });
  const record = (entry: NewEntry) => store.write((tx) => append(tx, entry));

  /** Walks from the first entry to the last one there is now. */
  const walk = async (signal: AbortSignal): Promise<{ head: Head; broken?: Broken }> => {
    const last = (await headOf(db.sql)) ?? start;
    const chain = followChain(key, start);
    while (chain.head.sequence < last.sequence) {
      signal.throwIfAborted();
      const entries = await entriesBetween(db.sql, chain.head.sequence, last.sequence, batch);
      if (entries.length === 0) {
        const at = chain.head.sequence + 1n;
        return { head: chain.head, broken: { at, reason: `entry ${at} is missing` } };
      }
      for (const entry of entries) {
        const broken = chain.step(entry);
        if (broken) return { head: chain.head, broken };
      }
      // Sealing is work for the processor: others get their turn between two batches.
      await breathe();
    }
    return { head: chain.head };
  };

  const compare = async (head: Head, noted: Head | undefined): Promise<Broken | undefined> =>
    noted && compareHeads(head, noted, await sealAt(db.sql, noted.sequence));

  return {
    append,
    record,
    async tryRecord(entry) {
      try {
        await record(entry);
      } catch (error) {
        const { action, actor, outcome } = entry;
        log.error({ err: error, action, actor, outcome }, "an audit entry could not be written");
      }
    },
    async verify(signal) {
      // Noted before the walk: what is added meanwhile is no reason for alarm.
      const { seen } = anchor;
      const noted = await anchor.anchored().then(
        (head) => ({ head, problem: head ? "" : "no head of the record is anchored in NATS yet" }),
        (cause: unknown) => {
          log.warn({ err: cause }, "the anchor of the audit record cannot be read");
          return { head: undefined, problem: "its anchor in NATS cannot be read now" };
        },
      );
      const { head, broken } = await walk(signal);
      const found = broken ?? (await compare(head, noted.head)) ?? (await compare(head, seen));
      if (found) {
        return { intact: false, checked: head.sequence, brokenAt: found.at, reason: found.reason };
      }
      const caveat = noted.problem && head.sequence > 0n ? `the chain holds, but ${noted.problem}` : "";
      return { intact: true, checked: head.sequence, brokenAt: 0n, reason: caveat };
    },
  };
}

function tidy({ details = {}, ...entry }: NewEntry): Entry {
  const clean = (text: string) => cleanText(withoutSecrets(text));
  return {
    ...entry,
    actor: clean(entry.actor),
    resource: clean(entry.resource),
    details: Object.fromEntries(
      Object.entries(detailsWithoutSecrets(details)).map(([name, value]) => [
        cleanText(name),
        cleanText(value),
      ]),
    ),
  };
}
